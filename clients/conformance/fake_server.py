"""A server that plays a scenario's side of the conversation and writes down what the worker says."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

QUEUE = "kit"
API_KEY = "conformance-kit-key"
CLAIM = re.compile(r"^/v1/queues/([^/?]+)/claim$")
TASK_CALL = re.compile(r"^/v1/tasks/([^/?]+)/(complete|fail|heartbeat|release)$")


@dataclass
class Exchange:
    """One request and what became of it. `at` counts seconds from the scenario's start."""

    at: float
    call: str
    token: str | None
    body: Any
    headers: dict[str, str]
    answer: str = "unanswered"
    handed_out: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        about = f" {self.token}" if self.token else ""
        gave = f" {','.join(self.handed_out)}" if self.handed_out else ""
        return f"{self.at:7.3f} s  {self.call}{about} {json.dumps(self.body)} -> {self.answer}{gave}"


class FakeServer:
    """Answers claims and task calls by the script; when the script of a call is over, like a server at ease."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self._claims = list(scenario.get("claims", ()))
        self._answers = {token: {call: list(script) for call, script in calls.items()}
                         for token, calls in scenario.get("answers", {}).items()}
        self._lease_seconds = scenario["settings"]["lease_seconds"]
        self._undelivered: list[dict[str, Any]] = []
        self._connections: set[asyncio.StreamWriter] = set()
        self._began = time.monotonic()
        self._server: asyncio.Server | None = None
        self._away: asyncio.Task[None] | None = None
        self.port = 0
        self.stopping = asyncio.Event()  # The worker was told to stop.
        self.log: list[Exchange] = []
        self.faults: list[str] = []  # What no worker may ever send.
        self.changed = asyncio.Event()

    def now(self) -> float:
        return time.monotonic() - self._began

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._away is not None:
            self._away.cancel()
        self._disappear()

    def _disappear(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._connections:
            writer.transport.abort()

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, EOFError):
            pass  # The worker hung up.
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One exchange; false when the connection is over."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        exchange = self._noted(method, target, raw, headers)
        if exchange is None:
            await self._send(writer, 404, {"type": "/problems/no-such-route", "title": "No such route", "status": 404})
            return True
        answer = await self._answer_to(exchange, reader)
        if answer == "gone":
            exchange.answer = "the worker hung up"
            self.changed.set()
            return False
        if answer == "cut":
            exchange.answer = "connection cut"
            writer.transport.abort()
            self.changed.set()
            return False
        if "away_seconds" in answer:
            exchange.answer = f"server away for {answer['away_seconds']} s"
            self._disappear()
            self._away = asyncio.create_task(self._come_back(answer["away_seconds"]))
            self.changed.set()
            return False
        status = answer.get("status", 200)
        exchange.answer = str(status)
        self.changed.set()
        await self._send(writer, status, answer["body"], answer.get("retry_after"), answer.get("chunked", False),
                         answer.get("close", False))
        return not answer.get("close", False)

    def _noted(self, method: str, target: str, raw: bytes, headers: dict[str, str]) -> Exchange | None:
        claim, task_call = CLAIM.match(target), TASK_CALL.match(target)
        if method != "POST" or not (claim or task_call):
            self.faults.append(f"a call that the scenario does not know: {method} {target}")
            return None
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            self.faults.append(f"{target}: the body is not JSON: {raw[:80]!r}")
            body = None
        if headers.get("authorization") != f"Bearer {API_KEY}":
            self.faults.append(f"{target}: without the credential")
        if not headers.get("content-type", "").startswith("application/json"):
            self.faults.append(f"{target}: Content-Type is {headers.get('content-type')!r}")
        if claim:
            if unquote(claim[1]) != QUEUE:
                self.faults.append(f"a claim from the queue {claim[1]!r} instead of {QUEUE!r}")
            exchange = Exchange(self.now(), "claim", None, body, headers)
        else:
            assert task_call
            exchange = Exchange(self.now(), task_call[2], unquote(task_call[1]), body, headers)
        self.log.append(exchange)
        self.changed.set()
        return exchange

    async def _answer_to(self, exchange: Exchange, reader: asyncio.StreamReader) -> Any:
        if exchange.call == "claim":
            return await self._answer_claim(exchange, reader)
        scripts = self._answers.get(exchange.token or "", {}).get(exchange.call, [])
        script: Any = scripts.pop(0) if scripts else {}
        if isinstance(script, str):
            return script
        if script.get("status", 200) >= 400:
            return _problem(script)
        if exchange.call == "heartbeat":
            body = {"cancel_requested": bool(script.get("cancel_requested")), "lease_expires_at": self._expiry()}
        else:
            body = {"run_id": f"run-of-{exchange.token}", "state": "succeeded"}
        return {**script, "body": body}

    async def _answer_claim(self, exchange: Exchange, reader: asyncio.StreamReader) -> Any:
        script: Any = self._claims.pop(0) if self._claims else {}
        if self._undelivered and not isinstance(script, str) and "status" not in script:
            script = {**script, "tasks": self._undelivered + script.get("tasks", [])}
            self._undelivered = []
        if isinstance(script, str):
            return script
        if script.get("status", 200) >= 400:
            return _problem(script)
        tasks = script.get("tasks", [])
        if script.get("once_stopping"):
            # The answer was on its way when the worker was told to stop.
            if await self._hangs_up(reader, self.stopping.wait()):
                self._undelivered = tasks
                return "gone"
        elif not tasks and "away_seconds" not in script:
            wait = script.get("empty_after_seconds", (exchange.body or {}).get("wait_seconds", 0))
            if await self._hangs_up(reader, asyncio.sleep(wait)):
                return "gone"
        if "away_seconds" in script:
            self._undelivered = tasks
            return script
        asked = max(0, int((exchange.body or {}).get("max_tasks", 1)))
        given, self._undelivered = tasks[:asked], tasks[asked:]
        exchange.handed_out = [task["task_token"] for task in given]
        return {**script, "body": {"tasks": [self._complete(task) for task in given]}}

    async def _hangs_up(self, reader: asyncio.StreamReader, until: Any) -> bool:
        """Whether the worker closed its connection before `until`."""
        # A worker sends nothing while it waits for an answer, so whatever can be read is the end.
        end = asyncio.create_task(reader.read(1))
        done = asyncio.ensure_future(until)
        await asyncio.wait({end, done}, return_when=asyncio.FIRST_COMPLETED)
        hung_up = end.done()
        for one in (end, done):
            one.cancel()
            try:
                await one
            except (asyncio.CancelledError, OSError):
                pass  # Either it was still waiting, or the worker is gone.
        return hung_up

    def _expiry(self) -> str:
        return _text(datetime.now(timezone.utc) + timedelta(seconds=self._lease_seconds))

    def _complete(self, task: dict[str, Any]) -> dict[str, Any]:
        token = task["task_token"]
        usual = {
            "run_id": f"run-of-{token}",
            "step": "Work",
            "attempt": 1,
            "input": None,
            "idempotency_key": f"key-of-{token}",
            "lease_expires_at": self._expiry(),
            "deadline": None,
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        return {**usual, **task}

    async def _send(self, writer: asyncio.StreamWriter, status: int, body: Any, retry_after: int | None = None,
                    chunked: bool = False, close: bool = False) -> None:
        text = json.dumps(body).encode()
        kind = "application/json" if status < 400 else "application/problem+json"
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {kind}"]
        if retry_after is not None:
            lines.append(f"Retry-After: {retry_after}")
        if close:
            lines.append("Connection: close")
        if chunked:
            lines.append("Transfer-Encoding: chunked")
            half = len(text) // 2
            pieces = [text[:half], text[half:], b""]
            payload = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        else:
            lines.append(f"Content-Length: {len(text)}")
            payload = text
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
        await writer.drain()


def _problem(script: dict[str, Any]) -> dict[str, Any]:
    status = script["status"]
    slug = script.get("problem", "unavailable")
    return {**script, "body": {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": "as scripted"}}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
