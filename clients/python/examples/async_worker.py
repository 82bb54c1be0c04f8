"""A worker for handlers that mostly wait. Needs ORCHESTRATOR_URL and ORCHESTRATOR_API_KEY.

    python3 clients/python/examples/async_worker.py [queue]
"""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from orchestrator_client import AsyncTaskContext, AsyncWorker  # noqa: E402


async def call_partner(input: Any, context: AsyncTaskContext) -> dict[str, Any]:
    await asyncio.sleep(0.1)
    return {"partner": input["partner"], "reference": context.idempotency_key}


async def main() -> None:
    logging.basicConfig(level=logging.INFO)
    worker = AsyncWorker(queue=sys.argv[1] if len(sys.argv) > 1 else "default", concurrency=200)
    worker.register("partner.call", call_partner)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
