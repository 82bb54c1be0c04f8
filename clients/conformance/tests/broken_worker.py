"""The Python worker with one habit that no worker may have: broken_worker.py HABIT. For the kit's own tests."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import conformance_worker  # noqa: E402
from orchestrator_client import backoff, calls, held_task, heartbeats, worker, worker_settings  # noqa: E402
from orchestrator_client.outcome import RELEASE, Outcome  # noqa: E402


def completes_twice() -> None:
    settle = worker.Worker._settle

    def twice(self: Any, held: Any, result: Any) -> None:
        settle(self, held, result)
        settle(self, held, result)

    worker.Worker._settle = twice


def renews_nothing() -> None:
    heartbeats.Heartbeats.add = lambda self, held: None


def renews_late() -> None:
    held_task.HeldTask.heartbeat_interval = property(lambda self: self.lease_seconds * 0.8)


def renews_only_one() -> None:
    add = heartbeats.Heartbeats.add

    def first_only(self: Any, held: Any) -> None:
        if not self._wanted:
            add(self, held)

    heartbeats.Heartbeats.add = first_only


def gives_up_renewing() -> None:
    held_task.HeldTask.heartbeat_failed = lambda self, error, now: None


def sends_stale_results() -> None:
    held_task.HeldTask.token_is_stale = property(lambda self: False)


def insists_on_stale_outcomes() -> None:
    held_task.HeldTask.outcome_failed = lambda self, sent, error, now: (0.2, sent) if self._tries_left() else None
    held_task.HeldTask._tries_left = lambda self: setattr(self, "_tries", self._tries + 1) or self._tries < 3


def changes_its_mind() -> None:
    failure = Outcome("fail", {"error": "Kit.Lost", "cause": "the connection was cut"})
    held_task.HeldTask.outcome_failed = lambda self, sent, error, now: (0.1, failure)


def gives_up_outcomes() -> None:
    held_task.HeldTask.outcome_failed = lambda self, sent, error, now: None


def is_impatient() -> None:
    backoff.Backoff.pause = lambda self, tries, error=None: 0.1


def takes_too_much() -> None:
    worker_settings.WorkerSettings.room = lambda self, held: self.concurrency + 2


def asks_without_end() -> None:
    worker.claim_is_hopeless = lambda error: False


def ignores_cancellation() -> None:
    worker.TaskContext.wait_for_cancel = lambda self, seconds: time.sleep(seconds) or False


def forgets_details() -> None:
    held_task.HeldTask.set_details = lambda self, details: None


def forgets_what_it_holds() -> None:
    settle = worker.Worker._settle

    def silent(self: Any, held: Any, result: Any) -> None:
        if result is not RELEASE:
            settle(self, held, result)

    worker.Worker._settle = silent


def ends_at_once() -> None:
    worker.Worker._drain = lambda self: None


def does_not_listen() -> None:
    run = worker.Worker.run

    def deaf(self: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run(self, handle_signals=False)

    worker.Worker.run = deaf


def has_many_names() -> None:
    claim = calls.claim
    calls.claim = lambda queue, worker_id, *rest: claim(queue, f"{worker_id}-{time.monotonic()}", *rest)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    conformance_worker.with_threads()
