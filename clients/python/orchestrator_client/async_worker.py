"""A worker that performs steps and jobs in one event loop."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import time
from datetime import datetime
from typing import Any, Awaitable, Callable

from . import calls, outcome
from .address import Address
from .async_connections import AsyncConnections
from .errors import OrchestratorError
from .held_task import HeldTask
from .outcome import Outcome, TaskCancelled
from .task import Task
from .worker_settings import CLAIM_BACKOFF, WorkerSettings, check_handlers, claim_is_hopeless

log = logging.getLogger("orchestrator_client.worker")

# What a handler gets to react when the time to drain is over.
LAST_SECONDS = 2.0


class AsyncTaskContext:
    """What a handler is given beside its input. When the work should stop, the handler is cancelled: its await raises
    `asyncio.CancelledError`. A handler that catches it may still return its output."""

    def __init__(self, held: HeldTask, beat: Callable[[HeldTask], Awaitable[float | None]]) -> None:
        self._held = held
        self._beat = beat

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

    def raise_if_cancelled(self) -> None:
        """Raises TaskCancelled when the work should stop."""
        if self._held.unwanted is not None:
            raise TaskCancelled(self._held.unwanted)

    async def heartbeat(self, details: Any) -> None:
        """Leaves `details` for the next attempt, should this one be lost, and tells the server at once. Leases are
        renewed without it. Raises TaskCancelled when the work should stop."""
        self._held.set_details(details)
        await self._beat(self._held)
        self.raise_if_cancelled()


AsyncHandler = Callable[[Any, AsyncTaskContext], Awaitable[Any]]
"""Performs a step: gets the input, returns the output. Exceptions are outcomes; see `orchestrator_client.outcome`."""


class AsyncWorker:
    """Claims tasks of one queue and performs up to `concurrency` at once. Arguments and behaviour as of `Worker`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        queue: str = "default",
        namespace: str | None = None,
        worker_id: str | None = None,
        concurrency: int = 32,
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
        self._connections = AsyncConnections(Address.of(url, api_key, namespace), timeout_seconds, tls)
        self._handlers: dict[str, AsyncHandler] = {}
        self._slots = asyncio.Semaphore(concurrency)
        self._stopping = asyncio.Event()
        self._room = asyncio.Event()
        self._held: dict[asyncio.Task[None], HeldTask] = {}

    @property
    def worker_id(self) -> str:
        return self._settings.worker_id

    def register(self, name: str, handler: AsyncHandler) -> None:
        """Must be done before `run`."""
        if name in self._handlers:
            raise ValueError(f"the handler {name} is registered twice")
        self._handlers[name] = handler

    def handler(self, name: str) -> Callable[[AsyncHandler], AsyncHandler]:
        """Registers the decorated function under `name`."""

        def registered(function: AsyncHandler) -> AsyncHandler:
            self.register(name, function)
            return function

        return registered

    def stop(self) -> None:
        """Asks `run` to end. Returns at once; to be called in the event loop."""
        self._stopping.set()
        self._room.set()

    async def run(self, *, handle_signals: bool = True) -> None:
        """Works until `stop`, SIGTERM or SIGINT. A worker runs once. Raises the Problem that makes every further claim
        hopeless, such as a refused key."""
        check_handlers(len(self._handlers))
        if handle_signals:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
        claims = asyncio.create_task(self._claim_all())
        asked = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({claims, asked}, return_when=asyncio.FIRST_COMPLETED)
            failure = claims.exception() if claims.done() and not claims.cancelled() else None
            self.stop()
            claims.cancel()
            await asyncio.wait({claims})
            await self._drain()
            if failure is not None:
                raise failure
        finally:
            asked.cancel()
            for held in self._held:
                held.cancel()
            await self._connections.close()

    async def _claim_all(self) -> None:
        failures = 0
        settings = self._settings
        while not self._stopping.is_set():
            room = settings.room(len(self._held))
            if room == 0:
                self._room.clear()
                await self._room.wait()
                continue
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
                answer = await self._connections.send(call)
            except OrchestratorError as error:
                if claim_is_hopeless(error):
                    raise
                failures += 1
                log.warning("claiming from %s: %s", settings.queue, error)
                await asyncio.sleep(CLAIM_BACKOFF.pause(failures, error))
                continue
            failures = 0
            for one in answer["tasks"]:
                # A lease begins when the server hands the task out, at the end of the long poll.
                held = HeldTask(Task.from_json(one), settings.lease_seconds, time.monotonic())
                task = asyncio.create_task(self._hold(held))
                self._held[task] = held
                task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._held[task]
        self._room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task was left to its lease", exc_info=error)

    async def _hold(self, held: HeldTask) -> None:
        """From the claim to the acknowledged outcome. Heartbeats go on while the task waits for its slot."""
        heartbeats = asyncio.create_task(self._beat_on(held))
        try:
            async with self._slots:
                result = outcome.RELEASE if self._must_not_begin(held) else await self._perform(held)
                heartbeats.cancel()
                await self._settle(held, result)
        finally:
            heartbeats.cancel()

    def _must_not_begin(self, held: HeldTask) -> bool:
        return self._stopping.is_set() or held.unwanted is not None or held.task.handler not in self._handlers

    async def _perform(self, held: HeldTask) -> Outcome:
        context = AsyncTaskContext(held, self._beat)

        async def call() -> Any:
            return await self._handlers[held.task.handler](held.task.input, context)

        # A task of its own, so that cancelling the work does not cancel what tells the server about it.
        work = asyncio.create_task(call())
        held.when_unwanted(lambda: _cancel(work))
        try:
            return outcome.completed(await work)
        except asyncio.CancelledError:
            if not work.cancelled():
                work.cancel()
                raise  # The worker's own end.
            return outcome.RELEASE
        except Exception as error:
            result = outcome.of_exception(error)
            if result.verb == "fail":
                log.info("%s failed: %s", held.task.handler, error, exc_info=not isinstance(error, outcome.TaskFailure))
            return result

    async def _settle(self, held: HeldTask, result: Outcome) -> None:
        while not held.token_is_stale:
            try:
                await self._connections.send(calls.settle(held.task.token, result.verb, result.body))
                return
            except OrchestratorError as error:
                again = held.outcome_failed(result, error, time.monotonic())
                if again is None:
                    log.warning("%s of %s is dropped: %s", result.verb, held.task.run_id, error)
                    return
                pause, result = again
                await asyncio.sleep(pause)

    async def _beat_on(self, held: HeldTask) -> None:
        pause: float | None = held.heartbeat_interval
        while pause is not None:
            await asyncio.sleep(pause)
            pause = await self._beat(held)

    async def _beat(self, held: HeldTask) -> float | None:
        """One heartbeat; the seconds until the next."""
        sent_at = time.monotonic()
        call = calls.settle(held.task.token, "heartbeat", held.heartbeat_body)
        try:
            answer = await self._connections.send(call, timeout_seconds=held.heartbeat_timeout)
        except OrchestratorError as error:
            return held.heartbeat_failed(error, time.monotonic())
        held.heartbeat_answered(answer, sent_at)
        return max(0.0, sent_at + held.heartbeat_interval - time.monotonic())

    async def _drain(self) -> None:
        if self._held:
            await asyncio.wait(set(self._held), timeout=self._settings.drain_seconds)
        for held in list(self._held.values()):
            held.give_up("the worker is stopping")
        if self._held:
            await asyncio.wait(set(self._held), timeout=LAST_SECONDS)
        if self._held:
            log.warning("%d tasks are left to their leases: their handlers did not return", len(self._held))


def _cancel(work: asyncio.Task[Any]) -> None:
    work.cancel()
