"""Requests, repeats and leases as plain values, without a server."""

from __future__ import annotations

import json
import unittest
from datetime import datetime, timedelta, timezone

from orchestrator_client import Backoff, ConnectionFailed, JobRequest, JobRetry, Problem, RunRequest, TaskFailure, Unique
from orchestrator_client import calls, outcome
from orchestrator_client.backoff import may_repeat
from orchestrator_client.held_task import OUTCOME_GRACE_SECONDS, HeldTask
from orchestrator_client.outcome import Outcome
from orchestrator_client.task import Task


def a_problem(status: int, slug: str = "unavailable", retry_after: float | None = None) -> Problem:
    return Problem(status, {"type": f"/problems/{slug}", "title": slug}, retry_after)


def a_held_task() -> HeldTask:
    task = Task.from_json({"task_token": "t", "run_id": "r", "handler": "h", "idempotency_key": "k"})
    return HeldTask(task, lease_seconds=30, claimed_at=100.0)


class Requests(unittest.TestCase):
    def test_leave_out_what_was_not_given(self) -> None:
        call = calls.start_run(RunRequest("greet"), "key")

        self.assertEqual(json.loads(call.body or b""), {"workflow": "greet"})
        self.assertEqual(call.headers, {"Idempotency-Key": "key"})

    def test_make_a_key_of_their_own(self) -> None:
        first, second = (calls.enqueue_job(JobRequest("h"), None).headers["Idempotency-Key"] for _ in range(2))

        self.assertNotEqual(first, second)

    def test_write_every_member_of_a_job(self) -> None:
        job = JobRequest(
            "mail.send", {"to": "a@b.c"}, queue="mail", run_at=datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))),
            priority=5, unique=Unique("k", 60, "reject"), max_attempts=3, retry=JobRetry("list", delays_seconds=[1, 5]),
            order_key="k",
        )

        body = json.loads(calls.enqueue_job(job, None).body or b"")

        self.assertEqual(body, {
            "handler": "mail.send", "input": {"to": "a@b.c"}, "queue": "mail", "run_at": "2026-03-01T10:00:00.000000Z",
            "priority": 5, "unique": {"key": "k", "within_seconds": 60, "on_conflict": "reject"}, "max_attempts": 3,
            "retry": {"kind": "list", "delays_seconds": [1, 5]}, "order_key": "k",
        })

    def test_refuse_moments_without_a_time_zone(self) -> None:
        with self.assertRaises(ValueError):
            calls.start_run(RunRequest("greet", run_at=datetime(2026, 3, 1)), None)

    def test_write_tokens_and_names_as_one_part_of_the_path(self) -> None:
        self.assertEqual(calls.settle("a/b c?", "complete", {}).path, "/v1/tasks/a%2Fb%20c%3F/complete")


class Repeats(unittest.TestCase):
    def test_happen_when_nothing_was_sent(self) -> None:
        self.assertTrue(may_repeat(ConnectionFailed("refused", sent=False), repeatable=False))

    def test_need_a_repeatable_call_once_it_was_sent(self) -> None:
        self.assertFalse(may_repeat(ConnectionFailed("cut", sent=True), repeatable=False))
        self.assertTrue(may_repeat(ConnectionFailed("cut", sent=True), repeatable=True))

    def test_do_not_follow_a_refusal(self) -> None:
        self.assertFalse(may_repeat(a_problem(422, "invalid-body"), repeatable=True))
        self.assertFalse(may_repeat(a_problem(503, "missing-secret"), repeatable=True))
        self.assertTrue(may_repeat(a_problem(503), repeatable=True))

    def test_are_as_late_as_the_server_asked_but_no_later_than_a_minute(self) -> None:
        self.assertGreaterEqual(Backoff().pause(1, a_problem(503, retry_after=7)), 7)
        self.assertEqual(Backoff().pause(1, a_problem(503, retry_after=7200)), 60)

    def test_wait_longer_each_time_up_to_a_limit(self) -> None:
        pauses = [Backoff(first_seconds=1, max_seconds=8).pause(tries) for tries in (1, 3, 9)]

        self.assertTrue(0.5 <= pauses[0] <= 1 and 2 <= pauses[1] <= 4 and 4 <= pauses[2] <= 8, pauses)


class Outcomes(unittest.TestCase):
    def test_name_an_unmeant_exception_after_its_class(self) -> None:
        self.assertEqual(
            outcome.of_exception(KeyError("x")).body, {"error": "KeyError", "cause": "'x'", "retryable": True}
        )

    def test_carry_what_the_handler_meant(self) -> None:
        failure = TaskFailure("Bank.Busy", "later", retry_after_seconds=9)

        self.assertEqual(outcome.of_exception(failure).body["retry_after_seconds"], 9)

    def test_fail_for_good_when_the_output_is_no_json(self) -> None:
        for output in ({1, 2}, float("nan")):
            self.assertEqual(outcome.completed(output).body["retryable"], False)


class HeldTasks(unittest.TestCase):
    def test_send_the_same_outcome_again_after_a_lost_connection(self) -> None:
        held, sent = a_held_task(), Outcome("complete", {"output": 1})

        again = held.outcome_failed(sent, ConnectionFailed("cut", sent=True), now=101)

        assert again is not None
        self.assertIs(again[1], sent)

    def test_drop_an_outcome_that_is_stale(self) -> None:
        self.assertIsNone(a_held_task().outcome_failed(outcome.RELEASE, a_problem(409, "stale-lease"), now=101))

    def test_stop_trying_some_time_after_the_lease(self) -> None:
        late = 130 + OUTCOME_GRACE_SECONDS

        self.assertIsNone(a_held_task().outcome_failed(outcome.RELEASE, a_problem(503), now=late))

    def test_are_unwanted_once_the_lease_ran_out_unheard(self) -> None:
        held = a_held_task()
        told: list[bool] = []
        held.when_unwanted(lambda: told.append(True))

        self.assertIsNotNone(held.heartbeat_failed(a_problem(503), now=129))
        self.assertIsNone(held.heartbeat_failed(a_problem(503), now=130))

        self.assertEqual((told, held.token_is_stale), ([True], False))

    def test_live_longer_with_each_heartbeat(self) -> None:
        held = a_held_task()

        held.heartbeat_answered({"cancel_requested": False}, sent_at=120)

        self.assertIsNotNone(held.heartbeat_failed(a_problem(503), now=149))


if __name__ == "__main__":
    unittest.main()
