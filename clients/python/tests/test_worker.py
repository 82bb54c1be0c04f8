"""The workers against the real server."""

from __future__ import annotations

import asyncio
import threading
import time
import unittest
import uuid
from collections import Counter
from typing import Any, Callable

from orchestrator_client import (
    AsyncTaskContext,
    AsyncWorker,
    Client,
    JobRequest,
    NonRetryable,
    Problem,
    Run,
    Snooze,
    TaskContext,
    TaskFailure,
    Worker,
)
from orchestrator_client import calls
from tests.real_server import CuttingProxy, eventually, shared_server

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}]


class WorkerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = shared_server()
        self.client = Client(self.server.url, self.server.api_key)
        self.addCleanup(self.client.close)
        # Names of one test, so that nobody takes another's tasks.
        self.queue = f"q-{uuid.uuid4()}"
        self.name = f"h-{uuid.uuid4()}"

    def run_of_one_step(self, input: Any = None, retry: list[Any] | None = None, **extra: Any) -> str:
        step = {"Type": "Task", "Resource": f"handler:{self.name}?queue={self.queue}", "End": True, **extra}
        if retry:
            step["Retry"] = retry
        workflow = f"w-{uuid.uuid4()}"
        self.client.deploy(workflow, {"StartAt": "Step", "States": {"Step": step}})
        return self.client.start_run(workflow, {} if input is None else input).run_id

    def ended(self, run_id: str) -> Run:
        return self.client.wait(run_id, patience_seconds=30)

    def work(
        self,
        handler: Callable[[Any, TaskContext], Any],
        url: str | None = None,
        concurrency: int = 4,
        prefetch: int = 0,
        lease_seconds: int = 3,
    ) -> Worker:
        """A worker that works until the test ends."""
        worker = Worker(
            url or self.server.url,
            self.server.api_key,
            queue=self.queue,
            concurrency=concurrency,
            prefetch=prefetch,
            lease_seconds=lease_seconds,
            wait_seconds=5,
        )
        worker.register(self.name, handler)
        thread = threading.Thread(target=worker.run)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(worker.stop)
        return worker

    def claim(self, lease_seconds: int) -> dict[str, Any]:
        """As a worker that will not keep its promise."""
        call = calls.claim(self.queue, f"lost-{uuid.uuid4()}", "1", [self.name], 1, 10, lease_seconds)
        [task] = self.client.send(call)["tasks"]
        return task

    def test_performs_a_step(self) -> None:
        run_id = self.run_of_one_step({"text": "Zürich 🏔"})
        self.work(lambda input, context: {"got": input, "attempt": context.attempt, "run_id": context.run_id})

        run = self.ended(run_id)

        self.assertEqual(run.state, "succeeded", run.members)
        self.assertEqual(run.output, {"got": {"text": "Zürich 🏔"}, "attempt": 1, "run_id": run_id})

    def test_performs_a_job(self) -> None:
        self.work(lambda input, context: input + 1)

        job = self.client.enqueue_job(JobRequest(self.name, 41, queue=self.queue))

        self.assertEqual(self.ended(job.run_id).output, 42)

    def test_is_retried_by_the_steps_policy(self) -> None:
        seen: list[tuple[int, str]] = []

        def handler(input: Any, context: TaskContext) -> Any:
            seen.append((context.attempt, context.idempotency_key))
            if context.attempt < 3:
                raise ValueError("not yet")
            return context.attempt

        run_id = self.run_of_one_step(retry=RETRY)
        self.work(handler)

        self.assertEqual(self.ended(run_id).output, 3)
        self.assertEqual([attempt for attempt, _ in seen], [1, 2, 3])
        self.assertEqual(len({key for _, key in seen}), 1)

    def test_fails_for_good_when_it_says_so(self) -> None:
        def handler(input: Any, context: TaskContext) -> Any:
            raise NonRetryable("Card.Stolen", "the bank keeps it")

        run_id = self.run_of_one_step(retry=RETRY)
        self.work(handler)

        run = self.ended(run_id)

        assert run.error is not None
        self.assertEqual((run.state, run.error.error, run.error.cause), ("failed", "Card.Stolen", "the bank keeps it"))

    def test_waits_as_long_as_a_failure_asks(self) -> None:
        moments: list[float] = []

        def handler(input: Any, context: TaskContext) -> Any:
            moments.append(time.monotonic())
            if len(moments) == 1:
                raise TaskFailure("Bank.Busy", "later", retry_after_seconds=3)

        run_id = self.run_of_one_step(retry=RETRY)
        self.work(handler)

        self.assertEqual(self.ended(run_id).state, "succeeded")
        self.assertGreaterEqual(moments[1] - moments[0], 2.9)

    def test_snoozes_without_an_attempt(self) -> None:
        attempts: list[int] = []

        def handler(input: Any, context: TaskContext) -> Any:
            attempts.append(context.attempt)
            if len(attempts) == 1:
                raise Snooze(1)

        run_id = self.run_of_one_step()
        self.work(handler)

        self.assertEqual(self.ended(run_id).state, "succeeded")
        self.assertEqual(attempts, [1, 1])

    def test_keeps_a_task_longer_than_its_lease(self) -> None:
        attempts: list[int] = []

        def handler(input: Any, context: TaskContext) -> Any:
            attempts.append(context.attempt)
            return context.wait_for_cancel(3)

        run_id = self.run_of_one_step()
        self.work(handler, lease_seconds=1)

        self.assertEqual(self.ended(run_id).output, False)
        self.assertEqual(attempts, [1])

    def test_tells_the_handler_of_a_cancelled_run(self) -> None:
        began = threading.Event()
        heard = threading.Event()

        def handler(input: Any, context: TaskContext) -> Any:
            began.set()
            if context.wait_for_cancel(30):
                heard.set()
            context.raise_if_cancelled()

        run_id = self.run_of_one_step()
        self.work(handler)
        self.assertTrue(began.wait(15))
        self.client.cancel(run_id, reason="not needed")

        self.assertEqual(self.ended(run_id).state, "cancelled")
        self.assertTrue(heard.is_set())

    def test_goes_on_where_a_lost_worker_stopped(self) -> None:
        run_id = self.run_of_one_step()
        lost = self.claim(lease_seconds=1)
        self.client.send(calls.settle(lost["task_token"], "heartbeat", {"details": {"done": 7}}))
        gone = time.monotonic()
        begun: list[tuple[float, Any, str]] = []

        def handler(input: Any, context: TaskContext) -> Any:
            begun.append((time.monotonic(), context.heartbeat_details, context.idempotency_key))
            return context.attempt

        self.work(handler)
        run = self.ended(run_id)

        self.assertEqual((run.state, run.output), ("succeeded", 2))
        self.assertEqual(begun[0][1:], ({"done": 7}, lost["idempotency_key"]))
        # The lease and a second, and what a busy machine takes to look.
        self.assertLess(begun[0][0] - gone, 1 + 1 + 1.5)

    def test_cannot_use_a_stale_token(self) -> None:
        run_id = self.run_of_one_step()
        lost = self.claim(lease_seconds=1)
        self.work(lambda input, context: "the new one")
        self.ended(run_id)

        for verb in ("complete", "fail", "heartbeat", "release"):
            body = {"error": "Late"} if verb == "fail" else {}
            with self.subTest(verb), self.assertRaises(Problem) as late:
                self.client.send(calls.settle(lost["task_token"], verb, body))
            self.assertEqual((late.exception.status, late.exception.slug), (409, "stale-lease"))
        self.assertEqual(self.client.get_run(run_id).output, "the new one")

    def test_completes_once_when_the_answer_is_lost(self) -> None:
        proxy = CuttingProxy(self.server.url, cuts=2, about=b"/complete")
        self.addCleanup(proxy.close)
        attempts: list[int] = []
        run_id = self.run_of_one_step()
        self.work(lambda input, context: attempts.append(context.attempt), url=proxy.url)

        self.assertEqual(self.ended(run_id).state, "succeeded")

        def three() -> list[bytes] | None:
            completes = [one for one in proxy.requests if b"/complete" in one]
            return completes if len(completes) == 3 else None

        completes = eventually(three, what="the third completion")
        self.assertEqual(len({one.split(b"\r\n\r\n", 1)[1] for one in completes}), 1)
        self.assertEqual(attempts, [1])

    def test_survives_a_killed_server(self) -> None:
        began = threading.Event()

        def handler(input: Any, context: TaskContext) -> Any:
            began.set()
            time.sleep(input["seconds"])
            return "done"

        self.work(handler, lease_seconds=20)
        first = self.run_of_one_step({"seconds": 2})
        self.assertTrue(began.wait(15))
        self.server.kill()
        self.server.start()
        second = self.run_of_one_step({"seconds": 0})

        self.assertEqual([self.ended(run_id).output for run_id in (first, second)], ["done", "done"])

    def test_finishes_what_it_has_when_it_is_stopped(self) -> None:
        began = threading.Event()

        def handler(input: Any, context: TaskContext) -> Any:
            began.set()
            return context.wait_for_cancel(1.5)

        worker = self.work(handler, concurrency=1, prefetch=2)
        runs = [self.run_of_one_step() for _ in range(3)]
        self.assertTrue(began.wait(15))
        worker.stop()

        eventually(lambda: [run for run in runs if self.client.get_run(run).output is False], what="the end of the first")
        self.work(lambda input, context: "by another")
        outputs = Counter(str(self.ended(run).output) for run in runs)
        self.assertEqual(outputs["False"], 1)
        self.assertEqual(outputs["by another"], 2)

    def test_shares_jobs_with_others(self) -> None:
        done: list[str] = []
        for _ in range(3):
            self.work(lambda input, context: done.append(context.run_id), concurrency=8)

        jobs = self.client.enqueue_jobs([JobRequest(self.name, i, queue=self.queue) for i in range(300)])

        eventually(lambda: len(done) >= 300, what="the end of the jobs")
        self.assertEqual(sorted(done), sorted(job.run_id for job in jobs if not isinstance(job, Problem)))

    def test_ends_when_its_key_is_refused(self) -> None:
        worker = Worker(self.server.url, "not-the-right-key", queue=self.queue)
        worker.register(self.name, lambda input, context: None)

        with self.assertRaises(Problem) as refused:
            worker.run()

        self.assertEqual(refused.exception.slug, "unauthenticated")


class AsyncWorkerTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.server = shared_server()
        self.client = Client(self.server.url, self.server.api_key)
        self.addCleanup(self.client.close)
        self.queue = f"q-{uuid.uuid4()}"

    def worker(self) -> AsyncWorker:
        return AsyncWorker(self.server.url, self.server.api_key, queue=self.queue, lease_seconds=3, wait_seconds=5)

    async def ended(self, run_id: str) -> Run:
        return await asyncio.to_thread(self.client.wait, run_id, patience_seconds=30)

    async def test_performs_many_jobs_at_once(self) -> None:
        worker = self.worker()

        @worker.handler("job.add")
        async def add(input: Any, context: AsyncTaskContext) -> int:
            await asyncio.sleep(0.2)
            return input + 1

        working = asyncio.create_task(worker.run())
        jobs = self.client.enqueue_jobs([JobRequest("job.add", i, queue=self.queue) for i in range(40)])
        outputs = [(await self.ended(job.run_id)).output for job in jobs if not isinstance(job, Problem)]
        worker.stop()
        await working

        self.assertEqual(outputs, list(range(1, 41)))

    async def test_interrupts_the_handler_of_a_cancelled_run(self) -> None:
        worker = self.worker()
        began = asyncio.Event()
        interrupted: list[bool] = []

        @worker.handler("job.wait")
        async def wait(input: Any, context: AsyncTaskContext) -> None:
            began.set()
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                interrupted.append(context.cancelled)
                raise

        working = asyncio.create_task(worker.run())
        job = self.client.enqueue_job(JobRequest("job.wait", queue=self.queue))
        await asyncio.wait_for(began.wait(), 15)
        self.client.cancel(job.run_id)
        run = await self.ended(job.run_id)
        worker.stop()
        await working

        self.assertEqual((run.state, interrupted), ("cancelled", [True]))


if __name__ == "__main__":
    unittest.main()
