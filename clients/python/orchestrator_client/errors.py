"""What a call may raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping


class OrchestratorError(Exception):
    """The base of everything that this package raises for a call."""


@dataclass(frozen=True)
class Fault:
    """One fault of a refused body: where it is (a JSON pointer), a stable code, and a sentence."""

    pointer: str
    code: str
    message: str


class Problem(OrchestratorError):
    """The server answered with a problem document (RFC 9457). `members` is all of it, for members of the one problem
    such as `run_id` of a key conflict; `slug` is the last part of `type` and never changes."""

    def __init__(self, status: int, members: Mapping[str, Any], retry_after_seconds: float | None = None) -> None:
        self.status = status
        self.members: dict[str, Any] = dict(members)
        self.type = str(members.get("type", "about:blank"))
        self.slug = self.type.rsplit("/", 1)[-1]
        self.title = str(members.get("title", f"HTTP {status}"))
        self.detail = str(members.get("detail", ""))
        self.instance = str(members.get("instance", ""))
        self.errors: tuple[Fault, ...] = tuple(
            Fault(str(one.get("pointer", "")), str(one.get("code", "")), str(one.get("message", "")))
            for one in members.get("errors") or ()
        )
        self.retry_after_seconds = retry_after_seconds
        faults = "".join(f"; {fault.pointer}: {fault.message}" for fault in self.errors)
        super().__init__(f"{status} {self.slug}: {self.detail or self.title}{faults}")

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed later, without anybody's doing."""
        if self.slug == "missing-secret":
            return False
        return self.status in (429, 502, 503, 504) or self.slug == "idempotency-in-flight"


class ConnectionFailed(OrchestratorError):
    """No answer came. `sent` tells whether the server may have seen the request: if it is false, nothing happened."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class WaitTimedOut(OrchestratorError):
    """The run was still open when the caller's patience ended. It goes on."""
