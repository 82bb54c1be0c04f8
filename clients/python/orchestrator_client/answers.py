"""What the calls answer. Every class keeps the whole answer in `members`: servers may add to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping

from .errors import Problem

OPEN_STATES = frozenset({"ready", "running", "waiting", "paused"})


@dataclass(frozen=True)
class Version:
    """A deployed definition. `warnings` are sentences; a handler that nobody has yet is one."""

    workflow: str
    version: int
    checksum: str
    warnings: tuple[str, ...]

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> Version:
        warnings = tuple(_sentence(one) for one in members.get("warnings") or ())
        return Version(members["workflow"], members["version"], members["checksum"], warnings)


@dataclass(frozen=True)
class StartedRun:
    """`existing`: the key was held and the caller asked for the run that holds it."""

    run_id: str
    state: str
    workflow: str | None = None
    version: int | None = None
    key: str | None = None
    existing: bool = False

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> StartedRun:
        return StartedRun(
            members["run_id"],
            # Items of a batch say no more than their id.
            members.get("state", "ready"),
            members.get("workflow"),
            members.get("version"),
            members.get("key"),
            bool(members.get("existing", False)),
        )


@dataclass(frozen=True)
class JobReceipt:
    """`existing`: the unique key was held, and this is the job that holds it; nothing was enqueued."""

    run_id: str
    state: str
    existing: bool = False

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> JobReceipt:
        return JobReceipt(members["run_id"], members.get("state", "ready"), bool(members.get("existing", False)))


@dataclass(frozen=True)
class RunFailure:
    """Why a run failed: an error name in the manner of the States Language, and its cause."""

    error: str
    cause: str | None


@dataclass(frozen=True)
class Run:
    """One life of a definition, or a job (`kind`)."""

    run_id: str
    kind: str
    workflow: str | None
    version: int | None
    key: str | None
    state: str
    input: Any
    output: Any
    error: RunFailure | None
    waiting_on: tuple[dict[str, Any], ...]
    attributes: dict[str, Any]
    priority: int
    created_at: datetime | None
    started_at: datetime | None
    closed_at: datetime | None
    members: dict[str, Any] = field(repr=False)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> Run:
        failure = members.get("error")
        return Run(
            run_id=members["run_id"],
            kind=members.get("kind", "workflow"),
            workflow=members.get("workflow"),
            version=members.get("version"),
            key=members.get("key"),
            state=members["state"],
            input=members.get("input"),
            output=members.get("output"),
            error=RunFailure(failure["error"], failure.get("cause")) if failure else None,
            waiting_on=tuple(members.get("waiting_on") or ()),
            attributes=dict(members.get("attributes") or {}),
            priority=members.get("priority") or 0,
            created_at=moment(members.get("created_at")),
            started_at=moment(members.get("started_at")),
            closed_at=moment(members.get("closed_at")),
            members=dict(members),
        )


@dataclass(frozen=True)
class HistoryEvent:
    """One appended fact about a run. `seq` is dense from 1."""

    seq: int
    at: datetime | None
    type: str
    state_name: str | None
    members: dict[str, Any] = field(repr=False)

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> HistoryEvent:
        return HistoryEvent(
            members["seq"], moment(members.get("at")), members["type"], members.get("state_name"), dict(members)
        )


@dataclass(frozen=True)
class SignalReceipt:
    """What became of a signal so far: `delivered`, `buffered`, `started`, `duplicate`, or a final fate."""

    signal_id: str
    fate: str
    run_id: str | None

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> SignalReceipt:
        return SignalReceipt(members["signal_id"], members["fate"], members.get("run_id"))


@dataclass(frozen=True)
class CancelReceipt:
    """What will happen; the run shows what did."""

    run_id: str
    state: str
    members: dict[str, Any] = field(repr=False)

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> CancelReceipt:
        return CancelReceipt(members["run_id"], members["state"], dict(members))


@dataclass(frozen=True)
class RetryReceipt:
    run_id: str
    state: str

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> RetryReceipt:
        return RetryReceipt(members["run_id"], members["state"])


def job_or_problem(item: Mapping[str, Any]) -> JobReceipt | Problem:
    """One item of a batch's answer."""
    return _problem(item) or JobReceipt.from_json(item)


def run_or_problem(item: Mapping[str, Any]) -> StartedRun | Problem:
    """One item of a batch's answer."""
    return _problem(item) or StartedRun.from_json(item)


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _problem(item: Mapping[str, Any]) -> Problem | None:
    error = item.get("error")
    return Problem(int(error.get("status", 500)), error) if error else None


def _sentence(warning: Any) -> str:
    return str(warning.get("message", warning)) if isinstance(warning, dict) else str(warning)
