"""When to try again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .errors import ConnectionFailed, OrchestratorError, Problem

# A server may ask for any pause; longer ones are not obeyed, so that a caller notices its return.
MAX_RETRY_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class Backoff:
    """Pauses between tries: exponential, half of it random so that callers do not come back together.

    `attempts` counts the first try; 1 switches repeating off."""

    attempts: int = 8
    first_seconds: float = 0.1
    factor: float = 2.0
    max_seconds: float = 5.0

    def pause(self, tries: int, error: OrchestratorError | None = None) -> float:
        """Seconds to wait after `tries` failed tries; at least what the server asked for."""
        delay = min(self.max_seconds, self.first_seconds * self.factor ** min(tries - 1, 30))
        delay *= 0.5 + random.random() / 2
        if isinstance(error, Problem) and error.retry_after_seconds is not None:
            delay = max(delay, min(error.retry_after_seconds, MAX_RETRY_AFTER_SECONDS))
        return delay


def may_repeat(error: OrchestratorError, *, repeatable: bool) -> bool:
    """Whether a call that ended with `error` may be sent again. `repeatable`: doing it twice is the same as once."""
    if isinstance(error, ConnectionFailed):
        return repeatable or not error.sent
    return isinstance(error, Problem) and error.is_passing and repeatable
