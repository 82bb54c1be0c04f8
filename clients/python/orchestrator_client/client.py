"""The synchronous client."""

from __future__ import annotations

import ssl
import time
from datetime import datetime
from types import TracebackType
from typing import Any, Iterator, Literal, Mapping, Sequence

from . import answers, calls
from .address import Address
from .answers import CancelReceipt, HistoryEvent, JobReceipt, RetryReceipt, Run, SignalReceipt, StartedRun, Version
from .backoff import Backoff, may_repeat
from .calls import Call, JobRequest, RunRequest
from .connections import Connections
from .errors import OrchestratorError, Problem, WaitTimedOut

# Pauses between two looks at a run that somebody waits for.
FIRST_LOOK_SECONDS = 0.02
LONGEST_LOOK_SECONDS = 1.0

UNCHANGED: Any = object()
"""Stands for an argument that was not given where None means JSON's null."""


class Client:
    """Calls one server. Safe from any thread; connections are kept and shared.

    `url`, `api_key` and `namespace` default to ORCHESTRATOR_URL, ORCHESTRATOR_API_KEY and ORCHESTRATOR_NAMESPACE.
    Every method raises `Problem` for a refusal and `ConnectionFailed` when no answer came. What may be sent twice
    without harm is repeated after a lost connection and while the server is not available, with `backoff` between:
    everything but `retry`. A creating call makes one Idempotency-Key and keeps it over its repeats; give your own to
    carry it over a restart of your program."""

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
        self._connections = Connections(Address.of(url, api_key, namespace), timeout_seconds, tls)
        self._backoff = backoff or Backoff()

    def deploy(self, workflow: str, definition: Mapping[str, Any], *, idempotency_key: str | None = None) -> Version:
        """Deploys a definition; the newest version's text again gives that version."""
        return Version.from_json(self.send(calls.deploy(workflow, definition, idempotency_key)))

    def start_run(
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
        """Starts a run; see `POST /v1/runs`."""
        request = RunRequest(
            workflow, input, version, key, on_conflict, on_closed, run_at, priority, attributes, timeout_seconds
        )
        return StartedRun.from_json(self.send(calls.start_run(request, idempotency_key)))

    def execute(self, request: RunRequest, *, patience_seconds: float = 60.0, idempotency_key: str | None = None) -> Run:
        """Starts a run and waits for its end. Raises WaitTimedOut when it is still open after `patience_seconds`."""
        until = time.monotonic() + patience_seconds
        wait = min(calls.MAX_WAIT_SECONDS, int(patience_seconds))
        answer = self.send(calls.start_run(request, idempotency_key, wait))
        if "waiting_on" in answer:
            run = Run.from_json(answer)
            if not run.is_open:
                return run
        return self.wait(answer["run_id"], patience_seconds=max(0.0, until - time.monotonic()))

    def start_runs(
        self, requests: Sequence[RunRequest], *, idempotency_key: str | None = None
    ) -> list[StartedRun | Problem]:
        """Starts up to 10 000 runs. Item i answers request i; one that was refused is a Problem, not raised."""
        answer = self.send(calls.start_runs(requests, idempotency_key))
        return [answers.run_or_problem(item) for item in answer["items"]]

    def get_run(self, run_id: str) -> Run:
        return Run.from_json(self.send(calls.get_run(run_id)))

    def list_runs(self, **filters: Any) -> Iterator[Run]:
        """All runs that match, newest first, read page by page; filters as of `GET /v1/runs`. Input and output are
        left out."""
        cursor: str | None = None
        while True:
            page = self.send(calls.list_runs(filters, cursor))
            yield from (Run.from_json(item) for item in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def wait(self, run_id: str, *, patience_seconds: float = 60.0) -> Run:
        """The run once it has ended. Raises WaitTimedOut when it is still open after `patience_seconds`."""
        until = time.monotonic() + patience_seconds
        pause = FIRST_LOOK_SECONDS
        while True:
            run = self.get_run(run_id)
            if not run.is_open:
                return run
            left = until - time.monotonic()
            if left <= 0:
                raise WaitTimedOut(f"run {run_id} is {run.state} after {patience_seconds:g} s")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)

    def history(self, run_id: str) -> Iterator[HistoryEvent]:
        """The run's committed events, oldest first, read page by page."""
        cursor: str | None = None
        while True:
            page = self.send(calls.history(run_id, cursor))
            yield from (HistoryEvent.from_json(item) for item in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def signal(
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
        """Sends a signal to whoever waits for `name` with `key`. With `wait_seconds` (0 to 60) the fate is final if it
        became so in time."""
        call = calls.signal(name, key, payload, signal_id, ttl_seconds, start, wait_seconds)
        return SignalReceipt.from_json(self.send(call))

    def signal_run(self, run_id: str, name: str, payload: Any = None, *, signal_id: str | None = None) -> SignalReceipt:
        """Sends a signal to one run, whatever key its wait has."""
        return SignalReceipt.from_json(self.send(calls.signal_run(run_id, name, payload, signal_id)))

    def cancel(
        self,
        run_id: str,
        *,
        mode: Literal["graceful", "compensate", "kill"] | None = None,
        reason: str | None = None,
    ) -> CancelReceipt:
        """Asks a run or job to end; the receipt says what will happen."""
        return CancelReceipt.from_json(self.send(calls.cancel(run_id, mode, reason)))

    def retry(
        self,
        run_id: str,
        *,
        from_state: str | None = None,
        input: Any = UNCHANGED,
        reason: str | None = None,
        new_idempotency_key: bool = False,
    ) -> RetryReceipt:
        """Has a closed run go on where it failed, or at `from_state`. Not repeated when the connection is lost: the run
        shows whether it was done."""
        has_input = input is not UNCHANGED
        call = calls.retry(run_id, from_state, reason, new_idempotency_key, input if has_input else None, has_input)
        return RetryReceipt.from_json(self.send(call))

    def enqueue_job(self, request: JobRequest, *, idempotency_key: str | None = None) -> JobReceipt:
        """Enqueues a job."""
        return JobReceipt.from_json(self.send(calls.enqueue_job(request, idempotency_key)))

    def enqueue_jobs(
        self, requests: Sequence[JobRequest], *, idempotency_key: str | None = None
    ) -> list[JobReceipt | Problem]:
        """Enqueues up to 10 000 jobs. Item i answers request i; one that was refused is a Problem, not raised."""
        answer = self.send(calls.enqueue_jobs(requests, idempotency_key))
        return [answers.job_or_problem(item) for item in answer["items"]]

    def send(self, call: Call) -> Any:
        """Sends any call of `orchestrator_client.calls`, or one of your own, and returns its answer's document."""
        tries = 0
        while True:
            try:
                return self._connections.send(call)
            except OrchestratorError as error:
                tries += 1
                if tries >= self._backoff.attempts or not may_repeat(error, repeatable=call.repeatable):
                    raise
                time.sleep(self._backoff.pause(tries, error))

    def close(self) -> None:
        self._connections.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
