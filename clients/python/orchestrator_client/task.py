"""A task: a step's attempt as handed to a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping

from .answers import moment


@dataclass(frozen=True)
class Task:
    """What a claim hands out. `idempotency_key` is the same for every attempt of the step: give it to whatever you
    call outside. `heartbeat_details` is what the attempt before this one said last."""

    token: str
    run_id: str
    step: str
    handler: str
    attempt: int
    input: Any
    idempotency_key: str
    deadline: datetime | None
    traceparent: str | None
    heartbeat_details: Any

    @staticmethod
    def from_json(members: Mapping[str, Any]) -> Task:
        return Task(
            token=members["task_token"],
            run_id=members["run_id"],
            step=str(members.get("step", "")),
            handler=members["handler"],
            attempt=int(members.get("attempt", 1)),
            input=members.get("input"),
            idempotency_key=members.get("idempotency_key") or "",
            deadline=moment(members.get("deadline")),
            traceparent=members.get("traceparent"),
            heartbeat_details=members.get("heartbeat_details"),
        )
