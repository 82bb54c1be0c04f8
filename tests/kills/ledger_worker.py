"""The worker in Python: ledger_worker.py LEDGER QUEUE NAME. See docs/operations/fault-matrix.md."""
import json
import os
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients/python"))

from orchestrator_client import TaskFailure, Worker  # noqa: E402

path, queue, name = sys.argv[1:]
ledger = os.open(path, os.O_WRONLY | os.O_APPEND)
worker = Worker(queue=queue, worker_id=name, concurrency=4, lease_seconds=2, wait_seconds=4)


@worker.handler("ledger.add")
def add(entry, context):
    effect = str(uuid.uuid4())

    def write(kind):
        line = {"kind": kind, "effect": effect, "number": entry["number"], "run_id": context.run_id,
                "key": context.idempotency_key, "attempt": context.attempt, "worker": name}
        os.write(ledger, json.dumps(line).encode() + b"\n")

    write("begun")
    if context.attempt <= entry["failures"]:
        raise TaskFailure("Ledger.Busy", "come back")
    time.sleep(entry["work_ms"] / 1000)
    write("done")
    return {"number": entry["number"], "effect": effect}


worker.run()
