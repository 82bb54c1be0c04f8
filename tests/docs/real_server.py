"""The shipped binary as `orchestrator dev`, in a folder of its own, and calls to it."""
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time

START_SECONDS = 60
STOP_SECONDS = 40


class Answer:
    """What the server said."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def media_type(self):
        return self.headers.get("content-type", "").split(";")[0]

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body.decode(errors='replace')[:2000]}"


class RealServer:
    """With `with`: it and its PostgreSQL end together with the block."""

    def __init__(self, binary, settings=None):
        self.binary = os.path.abspath(binary)
        self.key = "docs-" + secrets.token_hex(12)
        self.settings = settings or {}
        self.folder = None
        self.process = None
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="orchestrator-docs-")
        os.chmod(self.folder, 0o711)  # PostgreSQL's own user passes through
        os.makedirs(os.path.join(self.folder, "workflows"))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")},
            "ORCHESTRATOR_DATA_DIR": os.path.join(self.folder, "data"),
            "ORCHESTRATOR_WORKFLOWS_DIR": os.path.join(self.folder, "workflows"),
            "ORCHESTRATOR_LISTEN": "127.0.0.1:0",
            "ORCHESTRATOR_ADMIN_KEY": self.key,
            "ORCHESTRATOR_NODE_ID": "docs",
            **self.settings,
        }
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig=TERM", self.binary, "dev"], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        late = threading.Timer(START_SECONDS, self.process.kill)
        late.start()
        try:
            for line in self.process.stdout:
                said = json.loads(line) if line.startswith(b"{") else {}
                if said.get("event") == "ready":
                    self.port = int(said["url"].rsplit(":", 1)[1])
                    threading.Thread(target=self.process.stdout.read, daemon=True).start()
                    return self
        finally:
            late.cancel()
        raise RuntimeError("the server did not start:\n" + self.log()[-4000:])

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        finally:
            self.process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            return log.read()

    def call(self, method, path, body=None, headers=None, with_key=True):
        """One request. `body` is bytes, or what becomes JSON; None for no body at all."""
        fields = {"Authorization": "Bearer " + self.key} if with_key else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            fields["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {**fields, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def events(self, path, begun):
        """The data of server-sent events. `begun` is called at the first id, from which on nothing is missed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Authorization": "Bearer " + self.key})
            answer = connection.getresponse()
            has_begun = False
            for line in iter(answer.readline, b""):
                if line.startswith(b"id: ") and not has_begun:
                    has_begun = True
                    begun()
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        finally:
            connection.close()


def until(condition, what, seconds=20):
    """Its first true value; an AssertionError that says `what` when none comes."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return value
