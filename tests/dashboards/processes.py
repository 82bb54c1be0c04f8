"""The processes of this stage: the server as `orchestrator dev`, and a Prometheus that scrapes it."""
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse

from waiting import until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("ORCHESTRATOR_BINARY", os.path.join(REPOSITORY, "build/release/bin/orchestrator"))
START_SECONDS = 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def new_folder():
    """Below /tmp, and passable for the user that PostgreSQL runs as."""
    folder = tempfile.mkdtemp(prefix="orchestrator-dashboards-")
    os.chmod(folder, 0o711)
    return folder


def exchange(port, method, path, text, headers, timeout):
    """(status, body) of one request; OSError or HTTPException when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def stop(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """One node with its own database; whatever it starts, `close` ends."""

    def __init__(self):
        self.folder = new_folder()
        self.key = secrets.token_hex(16)
        self.port = 0
        self.process = None

    def start(self):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")},
            "ORCHESTRATOR_DATA_DIR": os.path.join(self.folder, "data"),
            "ORCHESTRATOR_WORKFLOWS_DIR": os.path.join(self.folder, "no-workflows"),
            "ORCHESTRATOR_LISTEN": "127.0.0.1:0",
            "ORCHESTRATOR_NODE_ID": "board-1",
            "ORCHESTRATOR_ADMIN_KEY": self.key,
        }
        with open(self.log(), "ab") as log:
            self.process = subprocess.Popen([BINARY, "dev"], env=environment, stdout=subprocess.PIPE, stderr=log)
        late = threading.Timer(START_SECONDS, self.process.kill)
        late.start()
        try:
            for line in self.process.stdout:
                event = json.loads(line) if line.startswith(b"{") else {}
                if event.get("event") == "ready":
                    self.port = urllib.parse.urlsplit(event["url"]).port
                    return self
        finally:
            late.cancel()
        raise RuntimeError(f"the server did not start; see {self.log()}")

    def log(self):
        return os.path.join(self.folder, "server.log")

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def call(self, method, path, body=None, headers=None, timeout=20):
        """One call of the API: (status, JSON or text)."""
        text = None if body is None else json.dumps(body)
        status, data = exchange(self.port, method, path, text, {"Authorization": "Bearer " + self.key,
                                                                "Content-Type": "application/json", **(headers or {})},
                                timeout)
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data.decode(errors="replace")

    def must(self, method, path, body=None, headers=None):
        """The same where only success makes sense."""
        status, answer = self.call(method, path, body, headers)
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path} was answered {status}: {answer}")
        return answer

    def shell_environment(self):
        """What a person who operates this server has set."""
        with open(os.path.join(self.folder, "data", "database-url"), encoding="utf-8") as file:
            database = file.read().strip()
        return {
            "PATH": os.path.dirname(BINARY) + ":" + os.environ["PATH"],
            "HOME": self.folder,
            "ORCHESTRATOR_URL": self.url(),
            "ORCHESTRATOR_API_KEY": self.key,
            "ORCHESTRATOR_DATABASE_URL": database,
            "ORCHESTRATOR_ADMIN_KEY": self.key,
            "ORCHESTRATOR_DATA_DIR": os.path.join(self.folder, "data"),
        }

    def close(self):
        stop(self.process)
        if self.process:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 5s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: orchestrator
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """Debian's, with a folder of its own."""

    def __init__(self, server, rules):
        self.folder = new_folder()
        self.port = free_port()
        self.process = None
        self.configuration = os.path.join(self.folder, "prometheus.yml")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(rules=rules, port=server.port))

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=" + self.configuration, "--storage.tsdb.path=" + self.folder + "/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        until(self.is_ready, 30, "Prometheus is ready")
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("Prometheus ended; its log is " + os.path.join(self.folder, "log"))
        try:
            return exchange(self.port, "GET", "/-/ready", None, {}, 5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, path, **parameters):
        """The `data` of an answer; a RuntimeError with Prometheus's own words when it refuses."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        _, data = exchange(self.port, "GET", f"/api/v1/{path}?{query}", None, {}, 20)
        answer = json.loads(data)
        if answer.get("status") != "success":
            raise RuntimeError(answer.get("error", data))
        return answer["data"]

    def close(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)
