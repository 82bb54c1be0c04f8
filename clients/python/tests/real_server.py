"""The real server for tests: `orchestrator dev` on a free port, in a folder of its own."""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable, TypeVar

REPOSITORY = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("ORCHESTRATOR_BINARY", REPOSITORY / "build/release/bin/orchestrator"))
START_SECONDS = 60

T = TypeVar("T")


class RealServer:
    """A node with its own database (`dev`), or one more node over the database of another (`serve`)."""

    def __init__(self, beside: RealServer | None = None) -> None:
        self._beside = beside
        self._folder = beside._folder if beside else Path(tempfile.mkdtemp(prefix="orchestrator-clients-"))
        # PostgreSQL's own user passes through.
        self._folder.chmod(0o711)
        self.api_key = beside.api_key if beside else secrets.token_hex(24)
        self.url = ""
        self._listen = "127.0.0.1:0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")},
            "ORCHESTRATOR_DATA_DIR": str(self._folder / "data"),
            "ORCHESTRATOR_LISTEN": self._listen,
            "ORCHESTRATOR_ADMIN_KEY": self.api_key,
            "ORCHESTRATOR_WORKFLOWS_DIR": str(self._folder / "no-workflows"),
            "ORCHESTRATOR_NODE_ID": "second" if self._beside else "first",
            "ORCHESTRATOR_LEASE_SECONDS": "3",
        }
        if self._beside:
            environment["ORCHESTRATOR_DATABASE_URL"] = (self._folder / "data" / "database-url").read_text().strip()
        with open(self._folder / "log", "ab") as log:
            verb = "serve" if self._beside else "dev"
            self._process = subprocess.Popen([BINARY, verb], env=environment, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        late = threading.Timer(START_SECONDS, self._process.kill)
        late.start()
        try:
            for line in self._process.stdout:
                event = json.loads(line) if line.startswith(b"{") else {}
                if event.get("event") == "ready":
                    self.url = event["url"]
                    # The same address after a restart.
                    self._listen = self.url.removeprefix("http://")
                    return
        finally:
            late.cancel()
        raise RuntimeError(f"the server did not start; see {self._folder}/log")

    def kill(self) -> None:
        """Ends it in the middle of whatever it does; its database goes on."""
        assert self._process is not None
        self._process.kill()
        self._ended()

    def close(self) -> None:
        if self._process is not None:
            if self._process.poll() is not None and self.url and not self._beside:
                self.start()  # It alone knows how to end its database.
            self._process.terminate()
            late = threading.Timer(40, self._process.kill)
            late.start()
            self._ended()
            late.cancel()
        if not self._beside:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _ended(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        self._process.wait()
        self._process.stdout.close()


class CuttingProxy:
    """Passes connections on to the server, but swallows the first `cuts` answers to requests that contain `about`: the
    server has done what was asked, and the caller does not know."""

    def __init__(self, url: str, cuts: int, about: bytes = b"") -> None:
        host, port = url.removeprefix("http://").split(":")
        self._target = (host, int(port))
        self._cuts = cuts
        self._about = about
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(caller,), daemon=True).start()

    def _pass(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(self._target) as server:
            while data := _request(caller):
                self.requests.append(data)
                server.sendall(data)
                answer = server.recv(65536)
                if self._cuts > 0 and self._about in data:
                    self._cuts -= 1
                    return
                caller.sendall(answer)


def _request(caller: socket.socket) -> bytes:
    """One whole request; nothing when the caller hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = caller.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        piece = caller.recv(65536)
        if not piece:
            return b""
        data += piece
        body += piece
    return data


def eventually(look: Callable[[], T | None], seconds: float = 15.0, what: str = "it") -> T:
    """What `look` returns once it is true; fails when that takes too long."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.02)


_shared: RealServer | None = None


def shared_server() -> RealServer:
    """One for all tests of a process, with which it ends; each test uses names of its own."""
    global _shared
    if _shared is None:
        server = RealServer()
        atexit.register(server.close)
        server.start()
        _shared = server
    return _shared
