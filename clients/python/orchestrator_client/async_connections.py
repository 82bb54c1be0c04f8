"""HTTP/1.1 over kept connections, for asyncio: what this API needs of it, on the standard library's streams."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Any

from .address import Address, read_answer
from .calls import Call
from .connections import MAX_IDLE_SECONDS
from .errors import ConnectionFailed

MAX_HEADER_BYTES = 64 * 1024


class BadAnswer(Exception):
    """What came is not HTTP."""


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    def close(self) -> None:
        self.writer.close()


class AsyncConnections:
    """Sends calls to one server; a connection serves one call at a time and is kept for the next. A call whose task is
    cancelled closes its connection."""

    def __init__(self, address: Address, timeout_seconds: float, tls: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._tls = tls
        self._idle: list[Connection] = []
        self._closed = False

    async def send(self, call: Call, timeout_seconds: float | None = None) -> Any:
        """The answer's document. Raises Problem and ConnectionFailed."""
        connection: Connection | None = None
        sent = False
        kept = False
        try:
            async with asyncio.timeout((timeout_seconds or self._timeout) + call.patience_seconds):
                connection = self._take() or await self._connect()
                sent = True
                connection.writer.write(self._request(call))
                await connection.writer.drain()
                status, headers, body, kept = await _read_response(connection.reader)
            return read_answer(status, body, headers.get("retry-after"))
        except (OSError, EOFError, TimeoutError, BadAnswer, asyncio.LimitOverrunError) as error:
            kept = False
            where = self._address.host_header
            raise ConnectionFailed(f"{where}: {error or type(error).__name__}", sent=sent) from error
        finally:
            if connection is not None:
                self._give_back(connection, kept)

    async def close(self) -> None:
        """Closes what is idle; calls under way end by themselves."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        for connection in idle:
            try:
                await connection.writer.wait_closed()
            except OSError:
                pass  # It was closed from the other side.

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            fresh = time.monotonic() - connection.idle_since < MAX_IDLE_SECONDS
            if fresh and not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        tls = (self._tls or ssl.create_default_context()) if self._address.tls else None
        reader, writer = await asyncio.open_connection(
            self._address.host, self._address.port, ssl=tls, limit=MAX_HEADER_BYTES
        )
        return Connection(reader, writer)

    def _give_back(self, connection: Connection, kept: bool) -> None:
        if kept and not self._closed:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()

    def _request(self, call: Call) -> bytes:
        headers = {"Host": self._address.host_header, **self._address.headers, **call.headers}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(call.body))
        lines = [f"{call.method} {self._address.prefix}{call.path} HTTP/1.1"]
        for name, value in headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"a line break in the header {name}")
            lines.append(f"{name}: {value}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (call.body or b"")


async def _read_response(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes, bool]:
    """Status, headers by lower-case name, body, and whether another request may follow."""
    while True:
        status, headers, newer = await _read_head(reader)
        if status >= 200:
            break
    kept = newer and "close" not in headers.get("connection", "").lower()
    if status in (204, 304):
        return status, headers, b"", kept
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return status, headers, await _read_chunks(reader), kept
    if "content-length" in headers:
        return status, headers, await reader.readexactly(_length(headers["content-length"], 10)), kept
    return status, headers, await reader.read(), False


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bool]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = text[:-4].split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise BadAnswer(f"not an HTTP answer: {first[:80]!r}")
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(words[1]), headers, words[0] != "HTTP/1.0"


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = _length((await reader.readuntil(b"\r\n")).split(b";")[0].decode("latin-1").strip(), 16)
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass  # Trailers mean nothing here.
            return bytes(body)
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise BadAnswer("a chunk does not end where it said")


def _length(text: str, base: int) -> int:
    try:
        length = int(text, base)
    except ValueError:
        length = -1
    if length < 0:
        raise BadAnswer(f"not a length: {text[:40]!r}")
    return length
