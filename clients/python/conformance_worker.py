"""The worker that clients/conformance plays with: `conformance_worker.py threads|asyncio`. Handlers as in its README."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

from orchestrator_client import AsyncTaskContext, AsyncWorker, Snooze, TaskContext, TaskFailure, Worker


def settings() -> dict[str, Any]:
    names = ("concurrency", "prefetch", "lease_seconds", "wait_seconds")
    return {"queue": os.environ["CONFORMANCE_QUEUE"], **{n: int(os.environ[f"CONFORMANCE_{n.upper()}"]) for n in names}}


def context_of(context: TaskContext | AsyncTaskContext) -> dict[str, Any]:
    return {
        "attempt": context.attempt,
        "idempotency_key": context.idempotency_key,
        "run_id": context.run_id,
        "traceparent": context.task.traceparent,
    }


def fail(input: Any) -> None:
    raise TaskFailure(
        input["error"],
        input["cause"],
        retryable=input.get("retryable", True),
        retry_after_seconds=input.get("retry_after_seconds"),
    )


def with_threads() -> None:
    worker = Worker(**settings())

    @worker.handler("kit.work")
    def work(input: Any, context: TaskContext) -> Any:
        if context.wait_for_cancel(input["seconds"]):
            context.raise_if_cancelled()
        return {"stopped": False}

    @worker.handler("kit.stubborn")
    def stubborn(input: Any, context: TaskContext) -> Any:
        time.sleep(input["seconds"])
        return {"stopped": False}

    @worker.handler("kit.progress")
    def progress(input: Any, context: TaskContext) -> Any:
        before = context.heartbeat_details
        context.heartbeat({"done": before["done"] + 1})
        return {"resumed": before}

    @worker.handler("kit.snooze")
    def snooze(input: Any, context: TaskContext) -> Any:
        raise Snooze(input["seconds"])

    worker.register("kit.echo", lambda input, context: input)
    worker.register("kit.context", lambda input, context: context_of(context))
    worker.register("kit.fail", lambda input, context: fail(input))
    worker.run()


async def with_asyncio() -> None:
    worker = AsyncWorker(**settings())

    @worker.handler("kit.work")
    async def work(input: Any, context: AsyncTaskContext) -> Any:
        await asyncio.sleep(input["seconds"])
        return {"stopped": False}

    @worker.handler("kit.stubborn")
    async def stubborn(input: Any, context: AsyncTaskContext) -> Any:
        end = time.monotonic() + input["seconds"]
        while (left := end - time.monotonic()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                pass  # That is what this handler is for.
        return {"stopped": False}

    @worker.handler("kit.progress")
    async def progress(input: Any, context: AsyncTaskContext) -> Any:
        before = context.heartbeat_details
        await context.heartbeat({"done": before["done"] + 1})
        return {"resumed": before}

    @worker.handler("kit.snooze")
    async def snooze(input: Any, context: AsyncTaskContext) -> Any:
        raise Snooze(input["seconds"])

    @worker.handler("kit.echo")
    async def echo(input: Any, context: AsyncTaskContext) -> Any:
        return input

    @worker.handler("kit.context")
    async def show(input: Any, context: AsyncTaskContext) -> Any:
        return context_of(context)

    @worker.handler("kit.fail")
    async def fails(input: Any, context: AsyncTaskContext) -> Any:
        fail(input)

    await worker.run()


if __name__ == "__main__":
    if sys.argv[1:] == ["threads"]:
        with_threads()
    elif sys.argv[1:] == ["asyncio"]:
        asyncio.run(with_asyncio())
    else:
        sys.exit("usage: conformance_worker.py threads|asyncio")
