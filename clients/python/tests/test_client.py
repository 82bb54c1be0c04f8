"""The clients against the real server."""

from __future__ import annotations

import asyncio
import unittest
import uuid
from typing import Any

from orchestrator_client import (
    AsyncClient,
    Backoff,
    Client,
    ConnectionFailed,
    JobReceipt,
    JobRequest,
    JobRetry,
    Problem,
    RunRequest,
    StartedRun,
    Unique,
    WaitTimedOut,
)
from orchestrator_client import calls
from tests.real_server import CuttingProxy, shared_server

ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Task", "Resource": "handler:echo", "End": True}}}
WAIT = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Task", "Resource": "signal:go", "Parameters": {"key.$": "$.key"}, "End": True},
    },
}
FAIL = {
    "StartAt": "Fail",
    "States": {
        "Fail": {
            "Type": "Task", "Resource": "handler:fail", "Parameters": {"error": "Kit.Broken", "cause": "on purpose"}, "End": True,
        },
    },
}


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = shared_server()
        self.client = Client(self.server.url, self.server.api_key)
        self.addCleanup(self.client.close)

    def a_workflow(self, definition: dict[str, Any]) -> str:
        name = f"w-{uuid.uuid4()}"
        self.client.deploy(name, definition)
        return name

    def test_deploys_once(self) -> None:
        name = self.a_workflow(ECHO)

        self.assertEqual(self.client.deploy(name, ECHO).version, 1)

    def test_starts_and_reads_a_run(self) -> None:
        started = self.client.start_run(self.a_workflow(ECHO), {"text": "Zürich 🏔"}, key="k", attributes={"n": 1})

        run = self.client.wait(started.run_id)

        self.assertEqual((run.state, run.output, run.key, run.attributes), ("succeeded", {"text": "Zürich 🏔"}, "k", {"n": 1}))
        self.assertIsNotNone(run.closed_at)

    def test_executes_to_the_end(self) -> None:
        run = self.client.execute(RunRequest(self.a_workflow(FAIL), {}))

        assert run.error is not None
        self.assertEqual((run.state, run.error.error, run.error.cause), ("failed", "Kit.Broken", "on purpose"))

    def test_says_when_patience_ends(self) -> None:
        with self.assertRaises(WaitTimedOut):
            self.client.execute(RunRequest(self.a_workflow(WAIT), {"key": "nobody"}), patience_seconds=0.3)

    def test_reads_all_pages_of_a_list(self) -> None:
        name = self.a_workflow(ECHO)
        started = self.client.start_runs([RunRequest(name, i) for i in range(5)])

        listed = list(self.client.list_runs(workflow=name, limit=2))

        self.assertEqual({run.run_id for run in listed}, {one.run_id for one in started if isinstance(one, StartedRun)})

    def test_tells_which_items_of_a_batch_were_refused(self) -> None:
        good, bad = self.client.start_runs([RunRequest(self.a_workflow(ECHO)), RunRequest("nobody-deployed-this")])

        self.assertIsInstance(good, StartedRun)
        self.assertEqual(bad.slug if isinstance(bad, Problem) else None, "unknown-workflow")

    def test_reads_history_in_order(self) -> None:
        run = self.client.execute(RunRequest(self.a_workflow(ECHO), {}))

        events = list(self.client.history(run.run_id))

        self.assertEqual([event.seq for event in events], list(range(1, len(events) + 1)))
        self.assertEqual((events[0].type, events[-1].type), ("ExecutionStarted", "ExecutionSucceeded"))

    def test_signals_by_key_and_by_run(self) -> None:
        name, key = self.a_workflow(WAIT), str(uuid.uuid4())
        by_key, by_run = (self.client.start_run(name, {"key": k}).run_id for k in (key, "other"))

        receipt = self.client.signal("go", key, {"n": 1}, wait_seconds=20)
        self.client.signal_run(by_run, "go", {"n": 2})

        self.assertEqual(receipt.fate, "consumed")
        self.assertEqual([self.client.wait(run).output["payload"] for run in (by_key, by_run)], [{"n": 1}, {"n": 2}])

    def test_cancels(self) -> None:
        started = self.client.start_run(self.a_workflow(WAIT), {"key": "nobody"})

        self.client.cancel(started.run_id, reason="not needed")

        self.assertEqual(self.client.wait(started.run_id).state, "cancelled")

    def test_retries(self) -> None:
        run = self.client.execute(RunRequest(self.a_workflow(FAIL), {}))

        receipt = self.client.retry(run.run_id, reason="once more")

        self.assertEqual(receipt.run_id, run.run_id)
        self.assertEqual(self.client.wait(run.run_id).state, "failed")

    def test_shows_the_whole_problem(self) -> None:
        name = self.a_workflow(WAIT)
        first = self.client.start_run(name, {"key": "nobody"}, key="held")

        with self.assertRaises(Problem) as conflict:
            self.client.start_run(name, {"key": "nobody"}, key="held")
        with self.assertRaises(Problem) as invalid:
            self.client.send(calls.Call("POST", "/v1/runs", b'{"workflow": 7}'))

        self.assertEqual((conflict.exception.status, conflict.exception.slug), (409, "run-key-conflict"))
        self.assertEqual(conflict.exception.members["run_id"], first.run_id)
        self.assertEqual(invalid.exception.errors[0].pointer, "/workflow")

    def test_enqueues_a_job(self) -> None:
        retry = JobRetry("exponential", initial_seconds=2, factor=3, max_seconds=60, jitter="none")
        request = JobRequest("echo", {"n": 1}, queue="mail", priority=5, max_attempts=2, retry=retry, order_key="k")

        run = self.client.wait(self.client.enqueue_job(request).run_id)

        self.assertEqual((run.kind, run.workflow, run.state, run.output), ("job", "echo", "succeeded", {"n": 1}))
        self.assertEqual(run.priority, 5)

    def test_enqueues_later_and_cancels(self) -> None:
        job = self.client.enqueue_job(JobRequest("echo", delay_seconds=3600))

        self.assertEqual(job.state, "waiting")
        self.client.cancel(job.run_id)
        self.assertEqual(self.client.wait(job.run_id).state, "cancelled")

    def test_enqueues_a_unique_job_once(self) -> None:
        key = str(uuid.uuid4())
        first = self.client.enqueue_job(JobRequest("echo", delay_seconds=60, unique=Unique(key)))

        again = self.client.enqueue_job(JobRequest("echo", delay_seconds=60, unique=Unique(key)))
        with self.assertRaises(Problem) as conflict:
            self.client.enqueue_job(JobRequest("echo", delay_seconds=60, unique=Unique(key, on_conflict="reject")))

        self.assertEqual((again.run_id, again.existing, first.existing), (first.run_id, True, False))
        self.assertEqual(conflict.exception.slug, "unique-conflict")

    def test_enqueues_many_jobs_and_tells_which_were_refused(self) -> None:
        *good, bad = self.client.enqueue_jobs([JobRequest("echo", 1), JobRequest("echo", 2), JobRequest("no good name")])

        outputs = [self.client.wait(one.run_id).output for one in good if isinstance(one, JobReceipt)]
        self.assertEqual(outputs, [1, 2])
        self.assertEqual(bad.slug if isinstance(bad, Problem) else None, "invalid-body")

    def test_starts_one_run_when_the_answer_is_lost(self) -> None:
        name = self.a_workflow(ECHO)
        proxy = CuttingProxy(self.server.url, cuts=2)
        self.addCleanup(proxy.close)

        with Client(proxy.url, self.server.api_key) as client:
            started = client.start_run(name, {})

        self.assertEqual([run.run_id for run in self.client.list_runs(workflow=name)], [started.run_id])
        self.assertEqual(len(proxy.requests), 3)

    def test_does_not_repeat_what_may_not_be_done_twice(self) -> None:
        run = self.client.execute(RunRequest(self.a_workflow(FAIL), {}))
        proxy = CuttingProxy(self.server.url, cuts=1)
        self.addCleanup(proxy.close)

        with Client(proxy.url, self.server.api_key) as client, self.assertRaises(ConnectionFailed) as lost:
            client.retry(run.run_id)

        self.assertTrue(lost.exception.sent)
        self.assertEqual(len(proxy.requests), 1)

    def test_says_that_nothing_was_sent_when_nobody_listens(self) -> None:
        with Client("http://127.0.0.1:9", backoff=Backoff(attempts=2)) as client, self.assertRaises(ConnectionFailed) as lost:
            client.get_run("x")

        self.assertFalse(lost.exception.sent)

    def test_refuses_a_wrong_key(self) -> None:
        with Client(self.server.url, "not-the-right-key") as client, self.assertRaises(Problem) as refused:
            client.get_run("x")

        self.assertEqual(refused.exception.slug, "unauthenticated")

    def test_survives_a_killed_server(self) -> None:
        started = self.client.start_run(self.a_workflow(WAIT), {"key": "nobody"})
        self.server.kill()
        self.server.start()

        self.assertEqual(self.client.get_run(started.run_id).run_id, started.run_id)


class AsyncClientTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.server = shared_server()
        self.client = AsyncClient(self.server.url, self.server.api_key)
        self.addAsyncCleanup(self.client.close)

    async def a_workflow(self, definition: dict[str, Any]) -> str:
        name = f"w-{uuid.uuid4()}"
        await self.client.deploy(name, definition)
        return name

    async def test_does_all_that_the_other_client_does(self) -> None:
        echo, wait, fail = [await self.a_workflow(one) for one in (ECHO, WAIT, FAIL)]
        key = str(uuid.uuid4())

        done = await self.client.execute(RunRequest(echo, {"n": 1}))
        waiting = await self.client.start_run(wait, {"key": key})
        receipt = await self.client.signal("go", key, "now", wait_seconds=20)
        met = await self.client.wait(waiting.run_id)
        cancelled = await self.client.start_run(wait, {"key": "nobody"})
        await self.client.cancel(cancelled.run_id)
        failed = await self.client.execute(RunRequest(fail, {}))
        await self.client.retry(failed.run_id)
        by_run = await self.client.start_run(wait, {"key": "nobody"})
        await self.client.signal_run(by_run.run_id, "go", None)
        batch = await self.client.start_runs([RunRequest(echo), RunRequest("nobody-deployed-this")])
        job = await self.client.enqueue_job(JobRequest("echo", 7))
        jobs = await self.client.enqueue_jobs([JobRequest("echo"), JobRequest("no good name")])
        events = [event async for event in self.client.history(done.run_id)]
        listed = [run.run_id async for run in self.client.list_runs(workflow=wait, limit=1)]

        self.assertEqual((done.output, receipt.fate, met.output["payload"]), ({"n": 1}, "consumed", "now"))
        self.assertEqual((await self.client.wait(cancelled.run_id)).state, "cancelled")
        self.assertEqual((await self.client.wait(failed.run_id)).state, "failed")
        self.assertEqual((await self.client.wait(by_run.run_id)).state, "succeeded")
        self.assertEqual([isinstance(one, Problem) for one in batch], [False, True])
        self.assertEqual((await self.client.wait(job.run_id)).output, 7)
        self.assertEqual([isinstance(one, Problem) for one in jobs], [False, True])
        self.assertEqual(events[0].type, "ExecutionStarted")
        self.assertEqual(set(listed), {waiting.run_id, cancelled.run_id, by_run.run_id})

    async def test_keeps_its_connections(self) -> None:
        proxy = CuttingProxy(self.server.url, cuts=0)
        self.addCleanup(proxy.close)
        accepted: list[int] = []
        original = proxy._pass  # pyright: ignore[reportPrivateUsage]
        proxy._pass = lambda caller: (accepted.append(1), original(caller))[1]  # pyright: ignore[reportPrivateUsage]
        name = await self.a_workflow(ECHO)

        async with AsyncClient(proxy.url, self.server.api_key) as client:
            for _ in range(5):
                await client.start_run(name)

        self.assertEqual(len(accepted), 1)

    async def test_starts_one_run_when_the_answer_is_lost(self) -> None:
        name = await self.a_workflow(ECHO)
        proxy = CuttingProxy(self.server.url, cuts=1)
        self.addCleanup(proxy.close)

        async with AsyncClient(proxy.url, self.server.api_key) as client:
            started = await client.start_run(name, {})

        self.assertEqual([run.run_id async for run in self.client.list_runs(workflow=name)], [started.run_id])

    async def test_serves_many_calls_at_once(self) -> None:
        name = await self.a_workflow(ECHO)

        runs = await asyncio.gather(*(self.client.execute(RunRequest(name, i)) for i in range(50)))

        self.assertEqual([run.output for run in runs], list(range(50)))


if __name__ == "__main__":
    unittest.main()
