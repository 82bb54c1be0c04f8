import { moment } from './answers.js';

/// A step's attempt as handed to a worker. `idempotencyKey` is the same for every attempt of the step: give it to
/// whatever you call outside. `heartbeatDetails` is what the attempt before this one said last.
export interface Task {
  token: string;
  runId: string;
  step: string;
  handler: string;
  attempt: number;
  input: unknown;
  idempotencyKey: string;
  deadline: Date | undefined;
  traceparent: string | undefined;
  heartbeatDetails: unknown;
}

export function readTask(members: Record<string, any>): Task {
  return {
    token: members['task_token'],
    runId: members['run_id'],
    step: String(members['step'] ?? ''),
    handler: members['handler'],
    attempt: members['attempt'] ?? 1,
    input: members['input'] ?? null,
    idempotencyKey: members['idempotency_key'] ?? '',
    deadline: moment(members['deadline']),
    traceparent: members['traceparent'] ?? undefined,
    heartbeatDetails: members['heartbeat_details'] ?? null,
  };
}
