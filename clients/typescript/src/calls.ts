/// Every call as a value.

import { randomUUID } from 'node:crypto';

/// The longest `?wait=` that the server takes.
export const MAX_WAIT_SECONDS = 60;

/// One request. `repeatable`: sending it twice does the same as sending it once. `patienceSeconds` is how much longer
/// than usual the answer may take.
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: string;
  headers?: Record<string, string>;
  repeatable?: boolean;
  patienceSeconds?: number;
}

/// A run to be started; members as in `POST /v1/runs`.
export interface RunRequest {
  workflow: string;
  input?: unknown;
  version?: number;
  key?: string;
  onConflict?: 'reject' | 'return_existing' | 'cancel_existing';
  onClosed?: 'allow' | 'return_existing' | 'reject';
  runAt?: Date;
  priority?: number;
  attributes?: Record<string, string | number | boolean>;
  timeoutSeconds?: number;
}

/// At most one open job of this handler and key, or one within `withinSeconds`, closed ones included.
export interface Unique {
  key: string;
  withinSeconds?: number;
  onConflict?: 'return_existing' | 'replace' | 'reject';
}

/// A job's own retry policy.
export interface JobRetry {
  kind: 'exponential' | 'fixed' | 'list';
  initialSeconds?: number;
  factor?: number;
  maxSeconds?: number;
  jitter?: 'none' | 'full';
  delaysSeconds?: number[];
}

/// A job to be enqueued; members as in `POST /v1/jobs`.
export interface JobRequest {
  handler: string;
  input?: unknown;
  queue?: string;
  runAt?: Date;
  delaySeconds?: number;
  priority?: number;
  unique?: Unique;
  maxAttempts?: number;
  retry?: JobRetry;
  concurrencyKey?: string;
  rateKey?: string;
  orderKey?: string;
}

/// What the server reads of a run's request. A member that is undefined is not written.
function runBody(request: RunRequest): Record<string, unknown> {
  return {
    workflow: request.workflow,
    input: request.input,
    version: request.version,
    key: request.key,
    on_conflict: request.onConflict,
    on_closed: request.onClosed,
    run_at: request.runAt?.toISOString(),
    priority: request.priority,
    attributes: request.attributes,
    timeout_seconds: request.timeoutSeconds,
  };
}

function jobBody(request: JobRequest): Record<string, unknown> {
  const { unique, retry } = request;
  return {
    handler: request.handler,
    input: request.input,
    queue: request.queue,
    run_at: request.runAt?.toISOString(),
    delay_seconds: request.delaySeconds,
    priority: request.priority,
    unique: unique && { key: unique.key, within_seconds: unique.withinSeconds, on_conflict: unique.onConflict },
    max_attempts: request.maxAttempts,
    retry: retry && {
      kind: retry.kind,
      initial_seconds: retry.initialSeconds,
      factor: retry.factor,
      max_seconds: retry.maxSeconds,
      jitter: retry.jitter,
      delays_seconds: retry.delaysSeconds,
    },
    concurrency_key: request.concurrencyKey,
    rate_key: request.rateKey,
    order_key: request.orderKey,
  };
}

const part = encodeURIComponent;

function post(path: string, body: unknown, rest: Partial<Call> = {}): Call {
  return { method: 'POST', path, body: JSON.stringify(body ?? null), ...rest };
}

/// One key per call, the same for every repeat of it.
function creating(path: string, body: unknown, idempotencyKey: string | undefined, patienceSeconds = 0): Call {
  const headers = { 'Idempotency-Key': idempotencyKey ?? randomUUID() };
  return post(path, body, { headers, repeatable: true, patienceSeconds });
}

export const deploy = (workflow: string, definition: unknown, idempotencyKey?: string): Call =>
  creating(`/v1/workflows/${part(workflow)}/versions`, definition, idempotencyKey);

export const startRun = (request: RunRequest, idempotencyKey?: string, waitSeconds?: number): Call =>
  creating(`/v1/runs${query({ wait: waitSeconds })}`, runBody(request), idempotencyKey, waitSeconds);

export const startRuns = (requests: readonly RunRequest[], idempotencyKey?: string): Call =>
  creating('/v1/runs/batch', { runs: requests.map(runBody) }, idempotencyKey, 60);

export const enqueueJob = (request: JobRequest, idempotencyKey?: string): Call =>
  creating('/v1/jobs', jobBody(request), idempotencyKey);

export const enqueueJobs = (requests: readonly JobRequest[], idempotencyKey?: string): Call =>
  creating('/v1/jobs/batch', { jobs: requests.map(jobBody) }, idempotencyKey, 60);

export const getRun = (runId: string): Call => ({ method: 'GET', path: `/v1/runs/${part(runId)}`, repeatable: true });

export const listRuns = (filters: Record<string, unknown>, cursor?: string): Call => ({
  method: 'GET',
  path: `/v1/runs${query({ ...filters, cursor })}`,
  repeatable: true,
});

export const history = (runId: string, cursor?: string): Call => ({
  method: 'GET',
  path: `/v1/runs/${part(runId)}/history${query({ cursor })}`,
  repeatable: true,
});

export function signal(
  name: string,
  key: string,
  payload: unknown,
  options: { signalId?: string; ttlSeconds?: number; start?: unknown; waitSeconds?: number },
): Call {
  const { signalId, ttlSeconds, start, waitSeconds } = options;
  // The id makes a repeat harmless: the second one is answered as a duplicate.
  const id = signalId ?? randomUUID();
  const body = { key, payload: payload ?? null, id, ttl_seconds: ttlSeconds, start };
  const path = `/v1/signals/${part(name)}${query({ wait: waitSeconds })}`;
  return post(path, body, { repeatable: true, patienceSeconds: waitSeconds ?? 0 });
}

export const signalRun = (runId: string, name: string, payload: unknown, signalId?: string): Call =>
  post(`/v1/runs/${part(runId)}/signals/${part(name)}`, payload, {
    headers: { 'Idempotency-Key': signalId ?? randomUUID() },
    repeatable: true,
  });

/// A second cancel is answered like the first, so it may be repeated.
export const cancel = (runId: string, mode?: string, reason?: string): Call =>
  post(`/v1/runs/${part(runId)}/cancel`, { mode, reason }, { repeatable: true });

export const retry = (
  runId: string,
  options: { fromState?: string; input?: unknown; reason?: string; newIdempotencyKey?: boolean },
): Call =>
  post(`/v1/runs/${part(runId)}/retry`, {
    from_state: options.fromState,
    input: options.input,
    reason: options.reason,
    new_idempotency_key: options.newIdempotencyKey,
  });

export const claim = (
  queue: string,
  body: {
    worker_id: string;
    instance: string;
    handlers: string[];
    max_tasks: number;
    wait_seconds: number;
    lease_seconds: number;
  },
): Call => post(`/v1/queues/${part(queue)}/claim`, body, { patienceSeconds: body.wait_seconds });

export const settle = (token: string, verb: 'complete' | 'fail' | 'heartbeat' | 'release', body: string): Call => ({
  method: 'POST',
  path: `/v1/tasks/${part(token)}/${verb}`,
  body,
});

function query(members: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined || value === null) continue;
    parameters.append(name, value instanceof Date ? value.toISOString() : String(value));
  }
  const text = parameters.toString();
  return text && `?${text}`;
}
