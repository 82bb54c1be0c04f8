"""The outside world: counts what reaches it, by idempotency key."""
import collections
import http.server
import json
import os
import threading
import time


class EffectServer:
    """Takes POST /effect {"key": ...} and remembers each call. An effect happens once per idempotency key."""

    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.calls = []  # (time, subject, idempotency key, pid of the caller or 0)
        self.unanswered = collections.Counter()  # pid → calls
        self.callers = {}  # pids of nodes to look for; empty: nobody asks who called
        self.on_call = None  # called with (subject, pid) before the answer
        self.answer_after = 0.01
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
                outer.take(body["key"], self.headers.get("Idempotency-Key", ""), self.client_address[1])
                answer = b'{"done":true}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                """A caller that was killed leaves in the middle of a sentence."""

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/effect"

    def take(self, subject, idempotency_key, caller_port):
        began = time.time()
        pid = process_of_connection(caller_port, self.port, self.callers) if self.callers else 0
        with self.lock:
            self.calls.append((began, subject, idempotency_key, pid))
            self.unanswered[pid] += 1
        if self.on_call:
            self.on_call(subject, pid)
        time.sleep(self.answer_after)
        with self.lock:
            self.unanswered[pid] -= 1

    def in_progress(self, pid):
        """Calls of this process that wait for their answer."""
        with self.lock:
            return self.unanswered[pid]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def keys_by_subject(self):
        """Subject → {idempotency key: calls}."""
        found = collections.defaultdict(collections.Counter)
        with self.lock:
            for _, subject, key, _ in self.calls:
                found[subject][key] += 1
        return found


def descriptors_of(pid):
    """Paths of the files that a process has open; none when it is gone."""
    try:
        return [entry.path for entry in os.scandir(f"/proc/{pid}/fd")]
    except OSError:
        return []


def target_of(descriptor):
    """What it stands for; nothing when it was closed since it was listed: the others still count."""
    try:
        return os.readlink(descriptor)
    except OSError:
        return None


def process_of_connection(client_port, server_port, pids):
    """Which of these processes holds the client's end of a connection; 0: none."""
    ends = [f"0100007F:{client_port:04X}", f"0100007F:{server_port:04X}"]
    inode = None
    # The table is not a snapshot: while connections come and go, a read of it may miss one.
    for _ in range(20):
        with open("/proc/net/tcp", encoding="ascii") as table:
            inode = inode or next((line.split()[9] for line in table if line.split()[1:3] == ends), None)
    if inode is None:
        return 0
    for pid in list(pids):
        if any(target_of(entry) == f"socket:[{inode}]" for entry in descriptors_of(pid)):
            return pid
    return 0
