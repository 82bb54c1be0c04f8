"""A worker that performs steps and jobs with threads."""

from __future__ import annotations

import logging
import queue as queues
import signal
import socket
import ssl
import threading
import time
from datetime import datetime
from typing import Any, Callable

from . import calls, outcome
from .address import Address
from .connections import Abort, Connections
from .errors import OrchestratorError
from .heartbeats import Heartbeats
from .held_task import HeldTask
from .outcome import Outcome, TaskCancelled
from .task import Task
from .worker_settings import CLAIM_BACKOFF, WorkerSettings, check_handlers, claim_is_hopeless

log = logging.getLogger("orchestrator_client.worker")

HEARTBEAT_THREADS = 4
# What a handler gets to react when the time to drain is over.
LAST_SECONDS = 2.0


class TaskContext:
    """What a handler is given beside its input."""

    def __init__(self, held: HeldTask, beat: Callable[[HeldTask], float | None]) -> None:
        self._held = held
        self._beat = beat
        self._unwanted = threading.Event()
        held.when_unwanted(self._unwanted.set)

    @property
    def task(self) -> Task:
        return self._held.task

    @property
    def run_id(self) -> str:
        return self.task.run_id

    @property
    def attempt(self) -> int:
        """From 1."""
        return self.task.attempt

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of the step: give it to whatever you call outside."""
        return self.task.idempotency_key

    @property
    def deadline(self) -> datetime | None:
        """When the server stops waiting for this attempt."""
        return self.task.deadline

    @property
    def heartbeat_details(self) -> Any:
        """What the attempt before this one said last; None for a first attempt."""
        return self.task.heartbeat_details

    @property
    def cancelled(self) -> bool:
        """Whether the work should stop: the run is being cancelled, the lease is lost, or the worker ends."""
        return self._held.unwanted is not None

    def wait_for_cancel(self, seconds: float) -> bool:
        """Waits; true as soon as the work should stop. Instead of `time.sleep`."""
        return self._unwanted.wait(seconds)

    def raise_if_cancelled(self) -> None:
        """Raises TaskCancelled when the work should stop."""
        if self._held.unwanted is not None:
            raise TaskCancelled(self._held.unwanted)

    def heartbeat(self, details: Any) -> None:
        """Leaves `details` for the next attempt, should this one be lost, and tells the server at once. Leases are
        renewed without it. Raises TaskCancelled when the work should stop."""
        self._held.set_details(details)
        self._beat(self._held)
        self.raise_if_cancelled()


Handler = Callable[[Any, TaskContext], Any]
"""Performs a step: gets the input, returns the output. Exceptions are outcomes; see `orchestrator_client.outcome`."""


class Worker:
    """Claims tasks of one queue and performs them with `concurrency` threads.

    `prefetch` tasks more are held ready to begin; leases (seconds) are renewed at a third of their length. A task gets
    one outcome, repeated until the server has answered it; a stale token's result is dropped. `run` returns after
    `stop` or SIGTERM: what has begun is finished within `drain_seconds`, what has not is released."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        queue: str = "default",
        namespace: str | None = None,
        worker_id: str | None = None,
        concurrency: int = 8,
        prefetch: int = 0,
        lease_seconds: int = 30,
        wait_seconds: int = 20,
        drain_seconds: float = 30.0,
        timeout_seconds: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = WorkerSettings.checked(
            queue, worker_id, concurrency, prefetch, lease_seconds, wait_seconds, drain_seconds
        )
        self._connections = Connections(Address.of(url, api_key, namespace), timeout_seconds, tls)
        self._handlers: dict[str, Handler] = {}
        self._heartbeats = Heartbeats(self._beat, min(HEARTBEAT_THREADS, concurrency + prefetch))
        self._ready: queues.SimpleQueue[HeldTask | None] = queues.SimpleQueue()
        self._stopping = threading.Event()
        # A signal handler may only do what is safe between any two instructions, such as writing to a socket.
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        self._changed = threading.Condition()
        self._held: set[HeldTask] = set()  # Guarded by _changed.
        self._failure: OrchestratorError | None = None  # Guarded by _changed.
        self._claim = Abort()

    @property
    def worker_id(self) -> str:
        return self._settings.worker_id

    def register(self, name: str, handler: Handler) -> None:
        """Must be done before `run`."""
        if name in self._handlers:
            raise ValueError(f"the handler {name} is registered twice")
        self._handlers[name] = handler

    def handler(self, name: str) -> Callable[[Handler], Handler]:
        """Registers the decorated function under `name`."""

        def registered(function: Handler) -> Handler:
            self.register(name, function)
            return function

        return registered

    def stop(self) -> None:
        """Asks `run` to end. Returns at once; safe from any thread and from a signal handler."""
        try:
            self._wake_writer.send(b".")
        except BlockingIOError:
            pass  # It was asked often enough.

    def run(self, *, handle_signals: bool = True) -> None:
        """Works until `stop`, or until SIGTERM or SIGINT when called from the main thread. A worker runs once. Raises
        the Problem that makes every further claim hopeless, such as a refused key."""
        check_handlers(len(self._handlers))
        if handle_signals and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda _number, _frame: self.stop())
        slots = [
            threading.Thread(target=self._perform_all, name=f"slot-{i}", daemon=True)
            for i in range(self._settings.concurrency)
        ]
        claimer = threading.Thread(target=self._claim_all, name="claims", daemon=True)
        for thread in (*slots, claimer):
            thread.start()
        self._heartbeats.start()

        self._wake_reader.recv(1)
        self._stopping.set()
        self._claim.abort()
        with self._changed:
            self._changed.notify_all()
        claimer.join()
        self._drain()
        for _ in slots:
            self._ready.put(None)
        self._heartbeats.end()
        self._connections.close()
        if self._failure is not None:
            raise self._failure

    def _claim_all(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            with self._changed:
                room = self._settings.room(len(self._held))
                if room == 0:
                    self._changed.wait()
                    continue
            settings = self._settings
            call = calls.claim(
                settings.queue,
                settings.worker_id,
                settings.instance,
                list(self._handlers),
                room,
                settings.wait_seconds,
                settings.lease_seconds,
            )
            try:
                answer = self._connections.send(call, self._claim)
            except OrchestratorError as error:
                if self._stopping.is_set():
                    return
                if claim_is_hopeless(error):
                    with self._changed:
                        self._failure = error
                    self.stop()
                    return
                failures += 1
                log.warning("claiming from %s: %s", settings.queue, error)
                self._stopping.wait(CLAIM_BACKOFF.pause(failures, error))
                continue
            failures = 0
            self._take([Task.from_json(one) for one in answer["tasks"]])

    def _take(self, tasks: list[Task]) -> None:
        for task in tasks:
            # A lease begins when the server hands the task out, at the end of the long poll.
            held = HeldTask(task, self._settings.lease_seconds, time.monotonic())
            with self._changed:
                self._held.add(held)
            self._heartbeats.add(held)
            self._ready.put(held)

    def _perform_all(self) -> None:
        while (held := self._ready.get()) is not None:
            try:
                result = outcome.RELEASE if self._must_not_begin(held) else self._perform(held)
                self._settle(held, result)
            finally:
                self._heartbeats.remove(held)
                with self._changed:
                    self._held.discard(held)
                    self._changed.notify_all()

    def _must_not_begin(self, held: HeldTask) -> bool:
        return self._stopping.is_set() or held.unwanted is not None or held.task.handler not in self._handlers

    def _perform(self, held: HeldTask) -> Outcome:
        context = TaskContext(held, self._beat)
        try:
            return outcome.completed(self._handlers[held.task.handler](held.task.input, context))
        except Exception as error:
            result = outcome.of_exception(error)
            if result.verb == "fail":
                log.info("%s failed: %s", held.task.handler, error, exc_info=not isinstance(error, outcome.TaskFailure))
            return result

    def _settle(self, held: HeldTask, result: Outcome) -> None:
        self._heartbeats.remove(held)
        while not held.token_is_stale:
            try:
                self._connections.send(calls.settle(held.task.token, result.verb, result.body))
                return
            except OrchestratorError as error:
                again = held.outcome_failed(result, error, time.monotonic())
                if again is None:
                    log.warning("%s of %s is dropped: %s", result.verb, held.task.run_id, error)
                    return
                pause, result = again
                time.sleep(pause)

    def _beat(self, held: HeldTask) -> float | None:
        """One heartbeat; the seconds until the next."""
        sent_at = time.monotonic()
        call = calls.settle(held.task.token, "heartbeat", held.heartbeat_body)
        try:
            answer = self._connections.send(call, timeout_seconds=held.heartbeat_timeout)
        except OrchestratorError as error:
            return held.heartbeat_failed(error, time.monotonic())
        held.heartbeat_answered(answer, sent_at)
        return max(0.0, sent_at + held.heartbeat_interval - time.monotonic())

    def _drain(self) -> None:
        with self._changed:
            if self._changed.wait_for(lambda: not self._held, self._settings.drain_seconds):
                return
            late = list(self._held)
        for held in late:
            held.give_up("the worker is stopping")
        with self._changed:
            if not self._changed.wait_for(lambda: not self._held, LAST_SECONDS):
                log.warning("%d tasks are left to their leases: their handlers did not return", len(self._held))
