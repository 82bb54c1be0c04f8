"""Two nodes and three workers share the load while any of them is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from pathlib import Path

from orchestrator_client import Backoff, Client, Problem, RunRequest
from tests.real_server import RealServer, eventually

RUNS = 1000
PACKAGE = Path(__file__).resolve().parents[1]


class Cluster(unittest.TestCase):
    def setUp(self) -> None:
        self.first = RealServer()
        self.addCleanup(self.first.close)
        self.first.start()
        self.second = RealServer(beside=self.first)
        self.addCleanup(self.second.close)
        self.second.start()
        # Patient enough for a node's start.
        self.client = Client(self.first.url, self.first.api_key, backoff=Backoff(attempts=20, max_seconds=2))
        self.addCleanup(self.client.close)
        notes = tempfile.NamedTemporaryFile()
        self.addCleanup(notes.close)
        self.notes = Path(notes.name)
        self.queue = f"q-{uuid.uuid4()}"
        self.handler = f"h-{uuid.uuid4()}"
        self.workflow = f"w-{uuid.uuid4()}"
        step = {"Type": "Task", "Resource": f"handler:{self.handler}?queue={self.queue}", "End": True}
        self.client.deploy(self.workflow, {"StartAt": "Step", "States": {"Step": step}})

    def a_worker(self, server: RealServer) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(PACKAGE),
            "ORCHESTRATOR_URL": server.url,
            "ORCHESTRATOR_API_KEY": server.api_key,
        }
        command = [sys.executable, str(PACKAGE / "tests/noted_worker.py"), self.queue, self.handler, str(self.notes)]
        worker = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        return worker

    def acknowledged(self) -> list[tuple[str, str]]:
        return [tuple(json.loads(line)) for line in self.notes.read_text().splitlines()]

    def test_loses_and_doubles_nothing_that_was_acknowledged(self) -> None:
        workers = [self.a_worker(server) for server in (self.first, self.second, self.first)]
        runs: list[str] = []
        waiting = [RunRequest(self.workflow, i) for i in range(RUNS)]

        def all_accepted() -> bool:
            # While the second node takes its shards, items for them may be refused for the moment.
            answers = list(zip(waiting, self.client.start_runs(waiting), strict=True))
            runs.extend(one.run_id for _, one in answers if not isinstance(one, Problem))
            refused = [(request, one) for request, one in answers if isinstance(one, Problem)]
            self.assertEqual([one for _, one in refused if one.status != 503], [])
            waiting[:] = [request for request, _ in refused]
            return not waiting

        eventually(all_accepted, 30, f"the acceptance of {RUNS} runs")
        self.assertEqual(len(set(runs)), RUNS)

        def done_at_least(count: int) -> None:
            eventually(lambda: len(self.acknowledged()) >= count, 60, f"the end of {count} runs")

        done_at_least(RUNS // 10)
        workers[0].kill()
        done_at_least(RUNS // 5)
        self.second.kill()
        workers[0] = self.a_worker(self.first)
        done_at_least(2 * RUNS // 5)
        self.second.start()
        workers[2].kill()
        done_at_least(3 * RUNS // 5)
        self.first.kill()
        self.first.start()

        open_states = "ready,running,waiting"
        until = time.monotonic() + 90
        while next(iter(self.client.list_runs(workflow=self.workflow, state=open_states, limit=1)), None):
            self.assertLess(time.monotonic(), until, "runs are still open")
            time.sleep(0.2)
        outputs = {run: self.client.get_run(run) for run in runs}
        self.assertEqual({run.state for run in outputs.values()}, {"succeeded"})
        # An outcome may be acknowledged twice when its first answer was lost, but never two of them.
        acknowledged = set(self.acknowledged())
        self.assertEqual(len(acknowledged), len({run for run, _ in acknowledged}))
        for run, output in acknowledged:
            self.assertEqual(outputs[run].output, output)


if __name__ == "__main__":
    unittest.main()
