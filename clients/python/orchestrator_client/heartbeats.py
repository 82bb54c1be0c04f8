"""Renews the leases of tasks in hand, from a few threads of its own."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from typing import Callable

from .held_task import HeldTask


class Heartbeats:
    """`beat(held)` sends one heartbeat and returns the seconds until the next, or None when there is none. Several
    threads, so that one slow answer costs the other tasks no lease."""

    def __init__(self, beat: Callable[[HeldTask], float | None], threads: int) -> None:
        self._beat = beat
        self._changed = threading.Condition()
        # Guarded by _changed: (due, number, task), and the tasks that still want heartbeats.
        self._due: list[tuple[float, int, HeldTask]] = []
        self._wanted: set[HeldTask] = set()
        self._numbers = itertools.count()
        self._ended = False
        self._threads = [threading.Thread(target=self._work, name=f"heartbeat-{i}", daemon=True) for i in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def add(self, held: HeldTask) -> None:
        with self._changed:
            self._wanted.add(held)
            self._push(held, held.heartbeat_interval)

    def remove(self, held: HeldTask) -> None:
        with self._changed:
            self._wanted.discard(held)

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._wanted.clear()
            self._due.clear()
            self._changed.notify_all()

    def _push(self, held: HeldTask, seconds: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), held))
        self._changed.notify()

    def _work(self) -> None:
        while (held := self._next()) is not None:
            pause = self._beat(held)
            if pause is not None:
                with self._changed:
                    if held in self._wanted:
                        self._push(held, pause)

    def _next(self) -> HeldTask | None:
        with self._changed:
            while not self._ended:
                if not self._due:
                    self._changed.wait()
                    continue
                due, _, held = self._due[0]
                if held not in self._wanted:
                    heapq.heappop(self._due)
                elif (left := due - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    heapq.heappop(self._due)
                    return held
            return None
