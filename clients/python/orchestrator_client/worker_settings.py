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
MAX_HANDLERS = 100
CLAIM_BACKOFF = Backoff(first_seconds=0.1, max_seconds=5.0)


@dataclass(frozen=True)
class WorkerSettings:
    queue: str
    worker_id: str
    # Names this life of the worker: the server refuses the older of two that use one worker_id.
    instance: str
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
        instance = secrets.token_hex(8)
        own_name = worker_id or f"{socket.gethostname()}-{os.getpid()}-{instance[:6]}"
        return WorkerSettings(
            queue, own_name, instance, concurrency, prefetch, lease_seconds, wait_seconds, drain_seconds
        )

    def room(self, held: int) -> int:
        """How many tasks to ask for with `held` in hand."""
        return max(0, min(self.concurrency + self.prefetch - held, MAX_TASKS))


def check_handlers(count: int) -> None:
    if not 1 <= count <= MAX_HANDLERS:
        raise ValueError(f"a worker has 1 to {MAX_HANDLERS} handlers, not {count}")


def claim_is_hopeless(error: OrchestratorError) -> bool:
    """Whether no later claim can succeed: a wrong credential, queue or argument, a worker_id that a younger worker
    took over. Everything else passes."""
    if not isinstance(error, Problem) or error.is_passing:
        return False
    if error.slug in ("missing-secret", "not-implemented", "worker-id-in-use"):
        return True
    return 400 <= error.status < 500 and error.status not in (408, 409)
