"""The load balancer between a worker and the nodes. It writes down every outcome that a node acknowledged."""
import http.client
import http.server
import json
import random
import socket
import threading


class Acknowledged:
    """What the nodes answered 200 to, and what they refused."""

    def __init__(self):
        self.lock = threading.Lock()
        self.completions = []  # (run id, output, worker)
        self.failures = 0
        self.stale = 0
        self.unexpected = []

    def note(self, worker, path, body, status, answer):
        verb = path.rsplit("/", 1)[-1]
        with self.lock:
            if status == 200 and verb == "complete":
                self.completions.append((json.loads(answer)["run_id"], json.loads(body)["output"], worker))
            elif status == 200 and verb == "fail":
                self.failures += 1
            elif status == 409 and b"stale-lease" in answer:
                self.stale += 1
            elif status not in (200, 503):
                self.unexpected.append(f"{worker}: {path[:60]}: {status} {answer[:300]!r}")


class Balancer:
    """Sends each call of one worker to any node that takes the connection; a call that was sent is never sent again."""

    def __init__(self, worker, ports, acknowledged):
        self.lock = threading.Lock()
        self.upstream = set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", "0"))
                body = self.rfile.read(length)
                if len(body) < length:
                    # The worker died between its head and its body.
                    self.close_connection = True
                    return
                try:
                    status, reason, headers, answer = outer.forward(ports, self.path, self.headers, body)
                except (OSError, http.client.HTTPException):
                    # The worker must not know whether the node has done it.
                    self.close_connection = True
                    return
                acknowledged.note(worker, self.path, body, status, answer)
                self.send_response(status, reason)
                for name, value in headers:
                    if name.lower() in ("content-type", "retry-after"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A worker that was killed leaves in the middle of a sentence."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def forward(self, ports, path, headers, body):
        connection = self.connect(ports)
        with self.lock:
            self.upstream.add(connection)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() in ("authorization", "content-type")}
            connection.request("POST", path, body, kept)
            answer = connection.getresponse()
            return answer.status, answer.reason, answer.getheaders(), answer.read()
        finally:
            with self.lock:
                self.upstream.discard(connection)
            connection.close()

    @staticmethod
    def connect(ports):
        problem = OSError("no node")
        for port in random.sample(ports, len(ports)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
            try:
                connection.connect()
                return connection
            except OSError as refused:
                problem = refused
        raise problem

    def hang_up(self):
        """As the machine of a dead process does it: the nodes see the ends of its connections."""
        with self.lock:
            for connection in self.upstream:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except (OSError, AttributeError):
                    pass  # it ended by itself

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
