"""How a task ends: what a handler returned or raised, as the one call that tells the server."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

# Longer causes are cut: they are for people.
MAX_CAUSE_CHARACTERS = 4000
# The server takes whole seconds: a failure waits a day at most, a snooze a year.
MAX_RETRY_AFTER_SECONDS = 86_400
MAX_SNOOZE_SECONDS = 31_536_000


class TaskFailure(Exception):
    """Raised by a handler: the attempt failed with this error name. Retried by the step's or job's policy, not before
    `retry_after_seconds`, unless `retryable` is false."""

    def __init__(
        self, error: str, cause: str = "", *, retryable: bool = True, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(f"{error}: {cause}" if cause else error)
        self.error = error
        self.cause = cause
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class NonRetryable(TaskFailure):
    """Raised by a handler: trying again cannot help."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause, retryable=False)


class Snooze(Exception):
    """Raised by a handler: not now; hand the task out again after `seconds` (rounded up). Costs no attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"snoozed for {seconds:g} s")
        self.seconds = seconds


class TaskCancelled(Exception):
    """Raised inside a handler (by `raise_if_cancelled` and `heartbeat`) when its work is not wanted any more. Let it
    pass: the worker gives the task back."""


@dataclass(frozen=True)
class Outcome:
    """The call that settles a task."""

    verb: Literal["complete", "fail", "release"]
    body: dict[str, Any]


RELEASE = Outcome("release", {})


def completed(output: Any) -> Outcome:
    """An output that is not JSON fails for good: the next attempt would return the same."""
    try:
        json.dumps(output, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return failed("Worker.OutputNotJson", str(error), retryable=False)
    return Outcome("complete", {"output": output})


def failed(error: str, cause: str, *, retryable: bool, retry_after_seconds: float | None = None) -> Outcome:
    body: dict[str, Any] = {"error": error, "cause": cause[:MAX_CAUSE_CHARACTERS], "retryable": retryable}
    if retry_after_seconds is not None:
        body["retry_after_seconds"] = _whole(retry_after_seconds, MAX_RETRY_AFTER_SECONDS)
    return Outcome("fail", body)


def of_exception(error: BaseException) -> Outcome:
    """What a handler's exception means. One that is none of ours is a failure named like its class."""
    if isinstance(error, TaskCancelled):
        return RELEASE
    if isinstance(error, Snooze):
        return Outcome("release", {"delay_seconds": _whole(error.seconds, MAX_SNOOZE_SECONDS)})
    if isinstance(error, TaskFailure):
        return failed(
            error.error, error.cause, retryable=error.retryable, retry_after_seconds=error.retry_after_seconds
        )
    return failed(type(error).__name__, str(error), retryable=True)


def _whole(seconds: float, most: int) -> int:
    return min(most, max(0, math.ceil(seconds)))
