/// What the calls answer. Every class keeps the whole answer in `members`: servers may add to it.

import { Problem } from './errors.js';

type Members = Readonly<Record<string, unknown>>;

export type RunState =
  | 'ready'
  | 'running'
  | 'waiting'
  | 'paused'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'timed_out';

const OPEN_STATES: readonly string[] = ['ready', 'running', 'waiting', 'paused'];

/// A deployed definition.
export interface Version {
  workflow: string;
  version: number;
  checksum: string;
  warnings: unknown[];
}

/// `existing`: the key was held and the caller asked for the run that holds it.
export interface StartedRun {
  runId: string;
  state: RunState;
  workflow?: string;
  version?: number;
  key?: string;
  existing: boolean;
}

/// `existing`: the unique key was held, and this is the job that holds it; nothing was enqueued.
export interface JobReceipt {
  runId: string;
  state: RunState;
  existing: boolean;
}

/// What became of a signal so far: `delivered`, `buffered`, `started`, `duplicate`, or a final fate.
export interface SignalReceipt {
  signalId: string;
  fate: string;
  runId: string | undefined;
}

/// What will happen; the run shows what did.
export interface Receipt {
  runId: string;
  state: RunState;
  members: Members;
}

/// One appended fact about a run. `seq` is dense from 1.
export interface HistoryEvent {
  seq: number;
  at: Date | undefined;
  type: string;
  stateName: string | undefined;
  members: Members;
}

/// One life of a definition, or a job (`kind`). Integers beyond 2^53 are rounded, as everywhere in JavaScript.
export class Run {
  readonly runId: string;
  readonly kind: string;
  readonly workflow: string | undefined;
  readonly version: number | undefined;
  readonly key: string | undefined;
  readonly state: RunState;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: { error: string; cause?: string } | undefined;
  readonly waitingOn: Members[];
  readonly attributes: Record<string, string | number | boolean>;
  readonly createdAt: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly closedAt: Date | undefined;

  constructor(readonly members: Members) {
    this.runId = members['run_id'] as string;
    this.kind = (members['kind'] as string | undefined) ?? 'workflow';
    this.workflow = (members['workflow'] as string | null) ?? undefined;
    this.version = (members['version'] as number | null) ?? undefined;
    this.key = (members['key'] as string | null) ?? undefined;
    this.state = members['state'] as RunState;
    this.input = members['input'];
    this.output = members['output'];
    this.error = (members['error'] as { error: string; cause?: string } | null) ?? undefined;
    this.waitingOn = (members['waiting_on'] as Members[] | null) ?? [];
    this.attributes = (members['attributes'] as Record<string, string | number | boolean> | null) ?? {};
    this.createdAt = moment(members['created_at']);
    this.startedAt = moment(members['started_at']);
    this.closedAt = moment(members['closed_at']);
  }

  get isOpen(): boolean {
    return OPEN_STATES.includes(this.state);
  }
}

export function startedRun(members: Members): StartedRun {
  const { workflow, version, key } = members;
  return {
    runId: members['run_id'] as string,
    // Items of a batch say no more than their id.
    state: (members['state'] as RunState | undefined) ?? 'ready',
    existing: members['existing'] === true,
    ...(typeof workflow === 'string' && { workflow }),
    ...(typeof version === 'number' && { version }),
    ...(typeof key === 'string' && { key }),
  };
}

export function jobReceipt(members: Members): JobReceipt {
  const { runId, state, existing } = startedRun(members);
  return { runId, state, existing };
}

export function signalReceipt(members: Members): SignalReceipt {
  return {
    signalId: members['signal_id'] as string,
    fate: members['fate'] as string,
    runId: (members['run_id'] as string | null) ?? undefined,
  };
}

export function receipt(members: Members): Receipt {
  return { runId: members['run_id'] as string, state: members['state'] as RunState, members };
}

export function historyEvent(members: Members): HistoryEvent {
  return {
    seq: members['seq'] as number,
    at: moment(members['at']),
    type: members['type'] as string,
    stateName: (members['state_name'] as string | null) ?? undefined,
    members,
  };
}

/// One item of a batch's answer.
export function itemOr<T>(read: (members: Members) => T, item: Members): T | Problem {
  const error = item['error'] as Members | undefined;
  return error ? new Problem(Number(error['status'] ?? 500), error) : read(item);
}

export function moment(text: unknown): Date | undefined {
  return typeof text === 'string' ? new Date(text) : undefined;
}
