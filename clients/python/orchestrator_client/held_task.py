"""One task in hand: its lease, what the server said about it, and the way to its one outcome. Decides, sends nothing."""

from __future__ import annotations

import threading
from typing import Any, Callable, Mapping

from . import outcome
from .backoff import Backoff
from .errors import OrchestratorError, Problem
from .outcome import Outcome
from .task import Task

# An outcome that could not be delivered is kept trying this long after the lease ended: the server decides, not our
# clock, and it may have been away itself.
OUTCOME_GRACE_SECONDS = 30.0
BACKOFF = Backoff(first_seconds=0.1, max_seconds=2.0)


class HeldTask:
    """Moments are of the monotonic clock. Safe from any thread."""

    def __init__(self, task: Task, lease_seconds: int, claimed_at: float) -> None:
        self.task = task
        self.lease_seconds = lease_seconds
        self._mutex = threading.Lock()
        self._lease_until = claimed_at + lease_seconds
        self._body: dict[str, Any] = {}
        self._unwanted: str | None = None
        self._token_is_stale = False
        self._tell: Callable[[], None] | None = None
        self._tries = 0
        self._refused = False

    @property
    def heartbeat_interval(self) -> float:
        return self.lease_seconds / 3

    @property
    def heartbeat_timeout(self) -> float:
        return max(0.5, self.lease_seconds / 3)

    @property
    def heartbeat_body(self) -> Mapping[str, Any]:
        with self._mutex:
            return dict(self._body)

    def set_details(self, details: Any) -> None:
        """They go with every heartbeat from now on."""
        with self._mutex:
            self._body = {"details": details}

    @property
    def unwanted(self) -> str | None:
        """Why the work should stop, or None."""
        return self._unwanted

    @property
    def token_is_stale(self) -> bool:
        """The server refused the token: nothing may be sent for it any more."""
        return self._token_is_stale

    def when_unwanted(self, tell: Callable[[], None]) -> None:
        """`tell` is called once when the work should stop; at once if that is known already."""
        with self._mutex:
            self._tell = tell
            known = self._unwanted is not None
        if known:
            tell()

    def give_up(self, why: str) -> None:
        with self._mutex:
            if self._unwanted is not None:
                return
            self._unwanted = why
            tell = self._tell
        if tell is not None:
            tell()

    def heartbeat_answered(self, answer: Mapping[str, Any], sent_at: float) -> None:
        # Counted from the sending: the server's count began later.
        with self._mutex:
            self._lease_until = max(self._lease_until, sent_at + self.lease_seconds)
        if answer.get("cancel_requested"):
            self.give_up("the run is being cancelled")

    def heartbeat_failed(self, error: OrchestratorError, now: float) -> float | None:
        """Seconds until the next try; None when there is nothing left to renew."""
        if isinstance(error, Problem) and error.status in (413, 422) and self.heartbeat_body:
            # Details that the server cannot take must not cost the lease.
            with self._mutex:
                self._body = {}
            return 0.0
        if isinstance(error, Problem) and error.status in (404, 409):
            self._token_is_stale = True
            self.give_up("the lease has ended")
            return None
        if now >= self._lease_until:
            # The server may still know better when the outcome comes.
            self.give_up("the lease ran out before a heartbeat was answered")
            return None
        return min(self.heartbeat_interval, BACKOFF.pause(1, error))

    def outcome_failed(self, sent: Outcome, error: OrchestratorError, now: float) -> tuple[float, Outcome] | None:
        """What to send and after how many seconds; None when the outcome is to be dropped. The same outcome is sent
        again, so that a token never gets two; only one that the server refused for its content becomes a failure."""
        self._tries += 1
        if isinstance(error, Problem) and not error.is_passing and error.status < 500:
            if error.status in (413, 422) and not self._refused:
                self._refused = True
                return 0.0, outcome.failed("Worker.OutcomeRefused", str(error), retryable=False)
            return None
        pause = BACKOFF.pause(self._tries, error)
        return (pause, sent) if now + pause < self._lease_until + OUTCOME_GRACE_SECONDS else None
