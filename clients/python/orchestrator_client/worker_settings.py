"""What both kinds of worker are told, checked once."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass

from .backoff import Backoff
from .errors import OrchestratorError, Problem

# Limits of the claim call.
MAX_TASKS = 500
CLAIM_BACKOFF = Backoff(first_seconds=0.1, max_seconds=5.0)


@dataclass(frozen=True)
class WorkerSettings:
    queue: str
    worker_id: str
    concurrency: int
    prefetch: int
    lease_seconds: int
    wait_seconds: int
    drain_seconds: float

    @staticmethod
    def checked(
        queue: str,
        worker_id: str | None,
        concurrency: int,
        prefetch: int,
        lease_seconds: int,
        wait_seconds: int,
        drain_seconds: float,
    ) -> WorkerSettings:
        ranges = {
            "concurrency": (concurrency, 1, 10_000),
            "prefetch": (prefetch, 0, 10_000),
            "lease_seconds": (lease_seconds, 1, 3600),
            "wait_seconds": (wait_seconds, 0, 60),
        }
        for name, (value, low, high) in ranges.items():
            if not low <= value <= high:
                raise ValueError(f"{name} is a number from {low} to {high}, not {value}")
        # Two workers must not have one name, also after a restart with the same process id.
        own_name = worker_id or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        return WorkerSettings(queue, own_name, concurrency, prefetch, lease_seconds, wait_seconds, drain_seconds)

    def room(self, held: int) -> int:
        """How many tasks to ask for with `held` in hand."""
        return max(0, min(self.concurrency + self.prefetch - held, MAX_TASKS))


def claim_is_hopeless(error: OrchestratorError) -> bool:
    """Whether no later claim can succeed: a wrong credential, queue or argument. Everything else passes."""
    if not isinstance(error, Problem) or error.is_passing:
        return False
    return 400 <= error.status < 500 and error.status not in (408, 409) or error.slug in ("missing-secret", "not-implemented")
