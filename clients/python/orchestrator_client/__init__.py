"""Client and remote worker for the orchestrator's HTTP API, version 1. Standard library only, Python 3.11 or newer.

Callers use `Client` or `AsyncClient`; programs that perform steps use `Worker` (threads) or `AsyncWorker` (asyncio).
"""

from .answers import CancelReceipt, HistoryEvent, JobReceipt, RetryReceipt, Run, RunFailure, SignalReceipt, StartedRun, Version
from .async_client import AsyncClient
from .async_worker import AsyncTaskContext, AsyncWorker
from .backoff import Backoff
from .calls import JobRequest, JobRetry, RunRequest, Unique
from .client import Client
from .errors import ConnectionFailed, Fault, OrchestratorError, Problem, WaitTimedOut
from .outcome import NonRetryable, Snooze, TaskCancelled, TaskFailure
from .task import Task
from .worker import TaskContext, Worker

__all__ = [
    "AsyncClient",
    "AsyncTaskContext",
    "AsyncWorker",
    "Backoff",
    "CancelReceipt",
    "Client",
    "ConnectionFailed",
    "Fault",
    "HistoryEvent",
    "JobReceipt",
    "JobRequest",
    "JobRetry",
    "NonRetryable",
    "OrchestratorError",
    "Problem",
    "RetryReceipt",
    "Run",
    "RunFailure",
    "RunRequest",
    "SignalReceipt",
    "Snooze",
    "StartedRun",
    "Task",
    "TaskCancelled",
    "TaskContext",
    "TaskFailure",
    "Unique",
    "Version",
    "WaitTimedOut",
    "Worker",
]
