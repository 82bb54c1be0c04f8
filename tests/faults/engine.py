"""Server processes of the engine, as an operator runs them."""
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess

from waiting import until

ADMIN_KEY = secrets.token_hex(16)
PORTS = iter(range(19200, 19999))


def free_port():
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port between 19200 and 19998")


def call(port, method, path, body=None, headers=None, timeout=20):
    """One request; (status, JSON). OSError and HTTPException when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Authorization": "Bearer " + ADMIN_KEY,
                                                "Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        data = answer.read()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data.decode(errors="replace")
    finally:
        connection.close()


class Node:
    """One `orchestrator serve`. It keeps its name and port over all its lives."""

    def __init__(self, binary, folder, name, database_url, settings):
        self.name = name
        self.port = free_port()
        self.binary = binary
        self.log = os.path.join(folder, name + ".log")
        self.process = None
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ORCHESTRATOR_")},
            "ORCHESTRATOR_DATABASE_URL": database_url,
            "ORCHESTRATOR_LISTEN": f"127.0.0.1:{self.port}",
            "ORCHESTRATOR_NODE_ID": name,
            "ORCHESTRATOR_DATA_DIR": os.path.join(folder, name),
            "ORCHESTRATOR_ADMIN_KEY": ADMIN_KEY,
            "ORCHESTRATOR_HTTP_ALLOW_PRIVATE": "1",
            "ORCHESTRATOR_DRAIN_SECONDS": "5",
            **settings,
        }

    def launch(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", self.binary, "serve"], env=self.environment,
                                            stdout=subprocess.DEVNULL, stderr=log, stdin=subprocess.DEVNULL)

    def start(self):
        self.launch()
        until(self.is_ready, 60, f"node {self.name} is ready")
        return self

    def is_ready(self):
        try:
            return call(self.port, "GET", "/readyz", timeout=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, number, patience=60):
        self.signal(number)
        self.process.wait(patience)

    def stop(self):
        if self.is_running():
            self.kill()

    def shards(self):
        """How many this node owns by its own account."""
        return self.metric("orchestrator_shards_owned ")

    def metric(self, beginning):
        """The first of the node's metrics whose line begins like this; 0 while it does not answer."""
        try:
            _, text = call(self.port, "GET", "/metrics")
        except (OSError, http.client.HTTPException):
            return 0
        values = [line.rsplit(" ", 1)[1] for line in str(text).splitlines() if line.startswith(beginning)]
        return int(float(values[0])) if values else 0

    def errors(self):
        """Log lines of level error."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return [line.strip() for line in log if '"level":"error"' in line]
