"""Every call as a value: what the synchronous and the asyncio client send is built here, once."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, Mapping, Sequence
from urllib.parse import quote, urlencode

# The longest `?wait=` that the server takes.
MAX_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Call:
    """One request. `repeatable`: sending it twice does the same as sending it once. `patience_seconds` is how much
    longer than usual the answer may take."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    repeatable: bool = False
    patience_seconds: float = 0.0


@dataclass(frozen=True)
class RunRequest:
    """A run to be started; members as in `POST /v1/runs`."""

    workflow: str
    input: Any = None
    version: int | None = None
    key: str | None = None
    on_conflict: Literal["reject", "return_existing", "cancel_existing"] | None = None
    on_closed: Literal["allow", "return_existing", "reject"] | None = None
    run_at: datetime | None = None
    priority: int | None = None
    attributes: Mapping[str, str | int | float | bool] | None = None
    timeout_seconds: int | None = None

    def to_json(self) -> dict[str, Any]:
        return _members(
            workflow=self.workflow,
            input=self.input,
            version=self.version,
            key=self.key,
            on_conflict=self.on_conflict,
            on_closed=self.on_closed,
            run_at=_moment(self.run_at),
            priority=self.priority,
            attributes=None if self.attributes is None else dict(self.attributes),
            timeout_seconds=self.timeout_seconds,
        )


@dataclass(frozen=True)
class Unique:
    """At most one open job of this handler and key, or one within `within_seconds`, closed ones included."""

    key: str
    within_seconds: int | None = None
    on_conflict: Literal["return_existing", "replace", "reject"] | None = None

    def to_json(self) -> dict[str, Any]:
        return _members(key=self.key, within_seconds=self.within_seconds, on_conflict=self.on_conflict)


@dataclass(frozen=True)
class JobRetry:
    """A job's own retry policy."""

    kind: Literal["exponential", "fixed", "list"]
    initial_seconds: float | None = None
    factor: float | None = None
    max_seconds: float | None = None
    jitter: Literal["none", "full"] | None = None
    delays_seconds: Sequence[float] | None = None

    def to_json(self) -> dict[str, Any]:
        return _members(
            kind=self.kind,
            initial_seconds=self.initial_seconds,
            factor=self.factor,
            max_seconds=self.max_seconds,
            jitter=self.jitter,
            delays_seconds=None if self.delays_seconds is None else list(self.delays_seconds),
        )


@dataclass(frozen=True)
class JobRequest:
    """A job to be enqueued; members as in `POST /v1/jobs`."""

    handler: str
    input: Any = None
    queue: str | None = None
    run_at: datetime | None = None
    delay_seconds: float | None = None
    priority: int | None = None
    unique: Unique | None = None
    max_attempts: int | None = None
    retry: JobRetry | None = None
    concurrency_key: str | None = None
    rate_key: str | None = None
    order_key: str | None = None

    def to_json(self) -> dict[str, Any]:
        return _members(
            handler=self.handler,
            input=self.input,
            queue=self.queue,
            run_at=_moment(self.run_at),
            delay_seconds=self.delay_seconds,
            priority=self.priority,
            unique=self.unique.to_json() if self.unique else None,
            max_attempts=self.max_attempts,
            retry=self.retry.to_json() if self.retry else None,
            concurrency_key=self.concurrency_key,
            rate_key=self.rate_key,
            order_key=self.order_key,
        )


def deploy(workflow: str, definition: Mapping[str, Any], idempotency_key: str | None) -> Call:
    return _creating(f"/v1/workflows/{_part(workflow)}/versions", dict(definition), idempotency_key)


def start_run(request: RunRequest, idempotency_key: str | None, wait_seconds: int | None = None) -> Call:
    path = "/v1/runs" if wait_seconds is None else f"/v1/runs?wait={wait_seconds}"
    return _creating(path, request.to_json(), idempotency_key, patience_seconds=wait_seconds or 0)


def start_runs(requests: Sequence[RunRequest], idempotency_key: str | None) -> Call:
    body = {"runs": [request.to_json() for request in requests]}
    return _creating("/v1/runs/batch", body, idempotency_key, patience_seconds=60)


def enqueue_job(request: JobRequest, idempotency_key: str | None) -> Call:
    return _creating("/v1/jobs", request.to_json(), idempotency_key)


def enqueue_jobs(requests: Sequence[JobRequest], idempotency_key: str | None) -> Call:
    body = {"jobs": [request.to_json() for request in requests]}
    return _creating("/v1/jobs/batch", body, idempotency_key, patience_seconds=60)


def get_run(run_id: str) -> Call:
    return Call("GET", f"/v1/runs/{_part(run_id)}", repeatable=True)


def list_runs(filters: Mapping[str, Any], cursor: str | None) -> Call:
    query = [(name, _filter(value)) for name, value in filters.items() if value is not None]
    if cursor is not None:
        query.append(("cursor", cursor))
    return Call("GET", "/v1/runs" + (f"?{urlencode(query)}" if query else ""), repeatable=True)


def history(run_id: str, cursor: str | None) -> Call:
    query = f"?{urlencode({'cursor': cursor})}" if cursor is not None else ""
    return Call("GET", f"/v1/runs/{_part(run_id)}/history{query}", repeatable=True)


def signal(
    name: str,
    key: str,
    payload: Any,
    signal_id: str | None,
    ttl_seconds: int | None,
    start: Mapping[str, Any] | None,
    wait_seconds: int | None,
) -> Call:
    body = {
        "key": key,
        "payload": payload,
        # The id makes a repeat harmless: the second one is answered as a duplicate.
        "id": signal_id or str(uuid.uuid4()),
        **_members(ttl_seconds=ttl_seconds, start=None if start is None else dict(start)),
    }
    query = "" if wait_seconds is None else f"?wait={wait_seconds}"
    path = f"/v1/signals/{_part(name)}{query}"
    return Call("POST", path, _encoded(body), repeatable=True, patience_seconds=wait_seconds or 0)


def signal_run(run_id: str, name: str, payload: Any, signal_id: str | None) -> Call:
    path = f"/v1/runs/{_part(run_id)}/signals/{_part(name)}"
    headers = {"Idempotency-Key": signal_id or str(uuid.uuid4())}
    return Call("POST", path, _encoded(payload), headers, repeatable=True)


def cancel(run_id: str, mode: str | None, reason: str | None) -> Call:
    # A second cancel is answered like the first, so it may be repeated.
    body = _encoded(_members(mode=mode, reason=reason))
    return Call("POST", f"/v1/runs/{_part(run_id)}/cancel", body, repeatable=True)


def retry(run_id: str, from_state: str | None, reason: str | None, new_key: bool, changed_input: Any, has_input: bool) -> Call:
    body = _members(from_state=from_state, reason=reason, new_idempotency_key=new_key or None)
    if has_input:
        body["input"] = changed_input
    return Call("POST", f"/v1/runs/{_part(run_id)}/retry", _encoded(body))


def claim(
    queue: str,
    worker_id: str,
    instance: str,
    handlers: Sequence[str],
    max_tasks: int,
    wait_seconds: int,
    lease_seconds: int,
) -> Call:
    body = {
        "worker_id": worker_id,
        "instance": instance,
        "handlers": sorted(handlers),
        "max_tasks": max_tasks,
        "wait_seconds": wait_seconds,
        "lease_seconds": lease_seconds,
    }
    path = f"/v1/queues/{_part(queue)}/claim"
    return Call("POST", path, _encoded(body), patience_seconds=wait_seconds)


def settle(token: str, verb: Literal["complete", "fail", "heartbeat", "release"], body: Mapping[str, Any]) -> Call:
    return Call("POST", f"/v1/tasks/{_part(token)}/{verb}", _encoded(dict(body)))


def _creating(path: str, body: Any, idempotency_key: str | None, patience_seconds: float = 0.0) -> Call:
    """One key per call, the same for every repeat of it."""
    headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    return Call("POST", path, _encoded(body), headers, repeatable=True, patience_seconds=patience_seconds)


def _encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _members(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone, for example datetime.now(timezone.utc)")
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _part(text: str) -> str:
    return quote(text, safe="")


def _filter(value: Any) -> str:
    if isinstance(value, datetime):
        return _moment(value) or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
