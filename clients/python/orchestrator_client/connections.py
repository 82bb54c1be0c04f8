"""HTTP over kept connections, for threads."""

from __future__ import annotations

import http.client
import select
import ssl
import threading
import time
from typing import Any

from .address import Address, read_answer
from .calls import Call
from .errors import ConnectionFailed

# The server closes connections that were idle for a minute; a request must not meet that moment.
MAX_IDLE_SECONDS = 30.0


class Abort:
    """Ends a call that is under way from another thread: its connection is shut."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def abort(self) -> None:
        with self._mutex:
            self._aborted = True
            if self._connection is not None and self._connection.sock is not None:
                try:
                    self._connection.sock.shutdown(2)
                except OSError:
                    pass  # It ended by itself.

    def _attach(self, connection: http.client.HTTPConnection | None) -> bool:
        """False when the call must not go on."""
        with self._mutex:
            self._connection = connection
            return not self._aborted


class Connections:
    """Sends calls to one server from any thread; a connection serves one call at a time and is kept for the next."""

    def __init__(self, address: Address, timeout_seconds: float, tls: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._tls = tls
        self._mutex = threading.Lock()
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []  # Guarded by _mutex; newest last.
        self._closed = False

    def send(self, call: Call, abort: Abort | None = None, timeout_seconds: float | None = None) -> Any:
        """The answer's document. Raises Problem and ConnectionFailed."""
        connection = self._take()
        sent = False
        kept = False
        try:
            connection.timeout = (timeout_seconds or self._timeout) + call.patience_seconds
            if connection.sock is None:
                connection.connect()
            else:
                connection.sock.settimeout(connection.timeout)
            if abort is not None and not abort._attach(connection):  # pyright: ignore[reportPrivateUsage]
                raise ConnectionFailed("the call was given up", sent=False)
            headers = {**self._address.headers, **call.headers}
            if call.body is not None:
                headers["Content-Type"] = "application/json"
            sent = True
            connection.request(call.method, self._address.prefix + call.path, call.body, headers)
            response = connection.getresponse()
            body = response.read()
            kept = not response.will_close
            return read_answer(response.status, body, response.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException) as error:
            kept = False
            where = self._address.host_header
            raise ConnectionFailed(f"{where}: {error or type(error).__name__}", sent=sent) from error
        finally:
            if abort is not None:
                abort._attach(None)  # pyright: ignore[reportPrivateUsage]
            self._give_back(connection, kept)

    def close(self) -> None:
        """Closes what is idle; calls under way end by themselves."""
        with self._mutex:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _take(self) -> http.client.HTTPConnection:
        while True:
            with self._mutex:
                if not self._idle:
                    break
                since, connection = self._idle.pop()
            if time.monotonic() - since < MAX_IDLE_SECONDS and not _has_ended(connection):
                return connection
            connection.close()
        if self._address.tls:
            context = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(self._address.host, self._address.port, context=context)
        return http.client.HTTPConnection(self._address.host, self._address.port)

    def _give_back(self, connection: http.client.HTTPConnection, kept: bool) -> None:
        if kept and connection.sock is not None:
            with self._mutex:
                if not self._closed:
                    self._idle.append((time.monotonic(), connection))
                    return
        connection.close()


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """An idle connection has nothing to say; when it does, the server closed it."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
