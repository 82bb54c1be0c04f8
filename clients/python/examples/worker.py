"""A worker with three handlers. Needs ORCHESTRATOR_URL and ORCHESTRATOR_API_KEY; ends with Ctrl-C or SIGTERM.

    python3 clients/python/examples/worker.py [queue]
"""

import logging
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from orchestrator_client import NonRetryable, Snooze, TaskContext, Worker  # noqa: E402

worker = Worker(queue=sys.argv[1] if len(sys.argv) > 1 else "default", concurrency=4, lease_seconds=15)


@worker.handler("invoice.render")
def render(input: Any, context: TaskContext) -> dict[str, Any]:
    """Goes on where a lost attempt stopped: each page that is done is a heartbeat's detail."""
    done = (context.heartbeat_details or {"pages": 0})["pages"]
    for page in range(done, input["pages"]):
        if context.wait_for_cancel(0.2):
            context.raise_if_cancelled()
        context.heartbeat({"pages": page + 1})
    return {"file": f"{input['number']}.pdf", "resumed_at": done}


@worker.handler("card.charge")
def charge(input: Any, context: TaskContext) -> dict[str, Any]:
    """The key is the same for every attempt, so the bank books once however often we ask."""
    if input["amount_cents"] <= 0:
        raise NonRetryable("Card.InvalidAmount", "an amount is more than nothing")
    return {"booking": f"booked-{context.idempotency_key}"}


@worker.handler("report.when_ready")
def report(input: Any, context: TaskContext) -> str:
    if not input.get("ready"):
        raise Snooze(30)
    return "sent"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    worker.run()
