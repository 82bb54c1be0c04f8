/// Client and remote worker for the orchestrator's HTTP API, version 1. Node 18 or newer, no dependencies.

export * from './answers.js';
export { Backoff } from './backoff.js';
export type { BackoffOptions } from './backoff.js';
export type { Call, JobRequest, JobRetry, RunRequest, Unique } from './calls.js';
export { Client } from './client.js';
export type { ClientOptions, SignalOptions } from './client.js';
export { ConnectionFailed, OrchestratorError, Problem, WaitTimedOut } from './errors.js';
export type { Fault } from './errors.js';
export { NonRetryable, Snooze, TaskCancelled, TaskFailure } from './outcome.js';
export type { Task } from './task.js';
export { TaskContext, Worker } from './worker.js';
export type { Handler, WorkerOptions } from './worker.js';
