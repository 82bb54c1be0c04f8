"""The client for asyncio. Methods, arguments and answers are those of `Client`; its docstrings hold here too."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import datetime
from types import TracebackType
from typing import Any, AsyncIterator, Literal, Mapping, Sequence

from . import answers, calls
from .address import Address
from .answers import CancelReceipt, HistoryEvent, JobReceipt, RetryReceipt, Run, SignalReceipt, StartedRun, Version
from .async_connections import AsyncConnections
from .backoff import Backoff, may_repeat
from .calls import Call, JobRequest, RunRequest
from .client import FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS, UNCHANGED
from .errors import OrchestratorError, Problem, WaitTimedOut


class AsyncClient:
    """Calls one server from one event loop; connections are kept and shared. See `Client`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        namespace: str | None = None,
        timeout_seconds: float = 30.0,
        backoff: Backoff | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._connections = AsyncConnections(Address.of(url, api_key, namespace), timeout_seconds, tls)
        self._backoff = backoff or Backoff()

    async def deploy(
        self, workflow: str, definition: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Version:
        return Version.from_json(await self.send(calls.deploy(workflow, definition, idempotency_key)))

    async def start_run(
        self,
        workflow: str,
        input: Any = None,
        *,
        version: int | None = None,
        key: str | None = None,
        on_conflict: Literal["reject", "return_existing", "cancel_existing"] | None = None,
        on_closed: Literal["allow", "return_existing", "reject"] | None = None,
        run_at: datetime | None = None,
        priority: int | None = None,
        attributes: Mapping[str, str | int | float | bool] | None = None,
        timeout_seconds: int | None = None,
        idempotency_key: str | None = None,
    ) -> StartedRun:
        request = RunRequest(
            workflow, input, version, key, on_conflict, on_closed, run_at, priority, attributes, timeout_seconds
        )
        return StartedRun.from_json(await self.send(calls.start_run(request, idempotency_key)))

    async def execute(
        self, request: RunRequest, *, patience_seconds: float = 60.0, idempotency_key: str | None = None
    ) -> Run:
        until = time.monotonic() + patience_seconds
        wait = min(calls.MAX_WAIT_SECONDS, int(patience_seconds))
        answer = await self.send(calls.start_run(request, idempotency_key, wait))
        if "waiting_on" in answer:
            run = Run.from_json(answer)
            if not run.is_open:
                return run
        return await self.wait(answer["run_id"], patience_seconds=max(0.0, until - time.monotonic()))

    async def start_runs(
        self, requests: Sequence[RunRequest], *, idempotency_key: str | None = None
    ) -> list[StartedRun | Problem]:
        answer = await self.send(calls.start_runs(requests, idempotency_key))
        return [answers.run_or_problem(item) for item in answer["items"]]

    async def get_run(self, run_id: str) -> Run:
        return Run.from_json(await self.send(calls.get_run(run_id)))

    async def list_runs(self, **filters: Any) -> AsyncIterator[Run]:
        cursor: str | None = None
        while True:
            page = await self.send(calls.list_runs(filters, cursor))
            for item in page["items"]:
                yield Run.from_json(item)
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def wait(self, run_id: str, *, patience_seconds: float = 60.0) -> Run:
        until = time.monotonic() + patience_seconds
        pause = FIRST_LOOK_SECONDS
        while True:
            run = await self.get_run(run_id)
            if not run.is_open:
                return run
            left = until - time.monotonic()
            if left <= 0:
                raise WaitTimedOut(f"run {run_id} is {run.state} after {patience_seconds:g} s")
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)

    async def history(self, run_id: str) -> AsyncIterator[HistoryEvent]:
        cursor: str | None = None
        while True:
            page = await self.send(calls.history(run_id, cursor))
            for item in page["items"]:
                yield HistoryEvent.from_json(item)
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def signal(
        self,
        name: str,
        key: str,
        payload: Any = None,
        *,
        signal_id: str | None = None,
        ttl_seconds: int | None = None,
        start: Mapping[str, Any] | None = None,
        wait_seconds: int | None = None,
    ) -> SignalReceipt:
        call = calls.signal(name, key, payload, signal_id, ttl_seconds, start, wait_seconds)
        return SignalReceipt.from_json(await self.send(call))

    async def signal_run(
        self, run_id: str, name: str, payload: Any = None, *, signal_id: str | None = None
    ) -> SignalReceipt:
        return SignalReceipt.from_json(await self.send(calls.signal_run(run_id, name, payload, signal_id)))

    async def cancel(
        self,
        run_id: str,
        *,
        mode: Literal["graceful", "compensate", "kill"] | None = None,
        reason: str | None = None,
    ) -> CancelReceipt:
        return CancelReceipt.from_json(await self.send(calls.cancel(run_id, mode, reason)))

    async def retry(
        self,
        run_id: str,
        *,
        from_state: str | None = None,
        input: Any = UNCHANGED,
        reason: str | None = None,
        new_idempotency_key: bool = False,
    ) -> RetryReceipt:
        has_input = input is not UNCHANGED
        call = calls.retry(run_id, from_state, reason, new_idempotency_key, input if has_input else None, has_input)
        return RetryReceipt.from_json(await self.send(call))

    async def enqueue_job(self, request: JobRequest, *, idempotency_key: str | None = None) -> JobReceipt:
        return JobReceipt.from_json(await self.send(calls.enqueue_job(request, idempotency_key)))

    async def enqueue_jobs(
        self, requests: Sequence[JobRequest], *, idempotency_key: str | None = None
    ) -> list[JobReceipt | Problem]:
        answer = await self.send(calls.enqueue_jobs(requests, idempotency_key))
        return [answers.job_or_problem(item) for item in answer["items"]]

    async def send(self, call: Call) -> Any:
        tries = 0
        while True:
            try:
                return await self._connections.send(call)
            except OrchestratorError as error:
                tries += 1
                if tries >= self._backoff.attempts or not may_repeat(error, repeatable=call.repeatable):
                    raise
                await asyncio.sleep(self._backoff.pause(tries, error))

    async def close(self) -> None:
        await self._connections.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
