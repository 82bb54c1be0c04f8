"""Each bad habit must be noticed by the scenario that is about it, and a good worker by none."""

from __future__ import annotations

import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOTICED_BY = {
    "completes_twice": "completes-once",
    "renews_nothing": "heartbeats",
    "renews_late": "heartbeats",
    "renews_only_one": "heartbeats-of-many",
    "gives_up_renewing": "heartbeat-is-tried-again",
    "sends_stale_results": "stale-result",
    "insists_on_stale_outcomes": "stale-complete",
    "changes_its_mind": "cut-complete",
    "gives_up_outcomes": "cut-complete",
    "is_impatient": "busy-complete",
    "takes_too_much": "concurrency",
    "asks_without_end": "refused-credential",
    "ignores_cancellation": "cancelled",
    "forgets_details": "details",
    "forgets_what_it_holds": "stops-and-releases",
    "ends_at_once": "stops-after-its-work",
    "does_not_listen": "stops-while-it-waits",
    "has_many_names": "claims",
}


def play(habit: str, scenario: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE.parent / "run"), "--only", scenario, "--"]
    worker = [sys.executable, str(HERE / "broken_worker.py"), habit]
    return subprocess.run([*command, *worker], capture_output=True, text=True, timeout=90)


class Kit(unittest.TestCase):
    def test_notices_every_bad_habit(self) -> None:
        with ThreadPoolExecutor(10) as pool:
            results = dict(zip(NOTICED_BY, pool.map(lambda item: play(*item), NOTICED_BY.items())))

        for habit, result in results.items():
            with self.subTest(habit):
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn(f"FAILED {NOTICED_BY[habit]}", result.stdout)

    def test_refuses_scenarios_that_it_does_not_know(self) -> None:
        result = play("completes_twice", "no-such-scenario")

        self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
