/// The client.

import {
  historyEvent,
  itemOr,
  jobReceipt,
  receipt,
  Run,
  signalReceipt,
  startedRun,
  type HistoryEvent,
  type JobReceipt,
  type Receipt,
  type SignalReceipt,
  type StartedRun,
  type Version,
} from './answers.js';
import { Backoff, mayRepeat, now, sleep } from './backoff.js';
import * as calls from './calls.js';
import type { Call, JobRequest, RunRequest } from './calls.js';
import { Connection, type Address } from './connection.js';
import { WaitTimedOut, type Problem } from './errors.js';

/// Pauses between two looks at a run that somebody waits for.
const FIRST_LOOK_SECONDS = 0.02;
const LONGEST_LOOK_SECONDS = 1;

export interface ClientOptions extends Address {
  /// For an answer. Default 30.
  timeoutSeconds?: number;
  backoff?: Backoff;
}

export interface SignalOptions {
  signalId?: string;
  ttlSeconds?: number;
  /// Starts a run when no open one of that workflow has the key.
  start?: { workflow: string; input?: unknown };
  /// 0 to 60: the fate is final if it became so in time.
  waitSeconds?: number;
}

interface Once {
  /// Made per call when it is missing; give your own to carry it over a restart of your program.
  idempotencyKey?: string;
}

/// Calls one server. Every method throws `Problem` for a refusal and `ConnectionFailed` when no answer came. What may
/// be sent twice without harm is repeated after a lost connection and while the server is not available: everything but
/// `retry`. A creating call makes one Idempotency-Key and keeps it over its repeats.
export class Client {
  private readonly connection: Connection;
  private readonly backoff: Backoff;

  constructor({ timeoutSeconds = 30, backoff = new Backoff(), ...address }: ClientOptions = {}) {
    this.connection = new Connection(address, timeoutSeconds);
    this.backoff = backoff;
  }

  /// Deploys a definition; the newest version's text again gives that version.
  async deploy(workflow: string, definition: object, { idempotencyKey }: Once = {}): Promise<Version> {
    return this.send(calls.deploy(workflow, definition, idempotencyKey));
  }

  /// Starts a run.
  async startRun(request: RunRequest, { idempotencyKey }: Once = {}): Promise<StartedRun> {
    return startedRun(await this.send(calls.startRun(request, idempotencyKey)));
  }

  /// Starts a run and waits for its end. Throws WaitTimedOut when it is still open after `patienceSeconds`.
  async execute(request: RunRequest, options: Once & { patienceSeconds?: number } = {}): Promise<Run> {
    const { patienceSeconds = 60, idempotencyKey } = options;
    const until = now() + patienceSeconds;
    const wait = Math.min(calls.MAX_WAIT_SECONDS, Math.floor(patienceSeconds));
    const answer = await this.send(calls.startRun(request, idempotencyKey, wait));
    if ('waiting_on' in answer) {
      const run = new Run(answer);
      if (!run.isOpen) return run;
    }
    return this.wait(answer.run_id, { patienceSeconds: Math.max(0, until - now()) });
  }

  /// Starts up to 10 000 runs. Item i answers request i; one that was refused is a Problem, not thrown.
  async startRuns(requests: readonly RunRequest[], { idempotencyKey }: Once = {}): Promise<(StartedRun | Problem)[]> {
    const { items } = await this.send(calls.startRuns(requests, idempotencyKey));
    return items.map((item: Record<string, unknown>) => itemOr(startedRun, item));
  }

  async getRun(runId: string): Promise<Run> {
    return new Run(await this.send(calls.getRun(runId)));
  }

  /// All runs that match, newest first, read page by page; filters as of `GET /v1/runs`, by their names there. Input and
  /// output are left out.
  async *listRuns(filters: Record<string, unknown> = {}): AsyncGenerator<Run> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.send(calls.listRuns(filters, cursor));
      for (const item of page.items) yield new Run(item);
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /// The run once it has ended. Throws WaitTimedOut when it is still open after `patienceSeconds` (60).
  async wait(runId: string, { patienceSeconds = 60 }: { patienceSeconds?: number } = {}): Promise<Run> {
    const until = now() + patienceSeconds;
    for (let pause = FIRST_LOOK_SECONDS; ; pause = Math.min(pause * 1.5, LONGEST_LOOK_SECONDS)) {
      const run = await this.getRun(runId);
      if (!run.isOpen) return run;
      const left = until - now();
      if (left <= 0) throw new WaitTimedOut(`run ${runId} is ${run.state} after ${patienceSeconds} s`);
      await sleep(Math.min(pause, left));
    }
  }

  /// The run's committed events, oldest first, read page by page.
  async *history(runId: string): AsyncGenerator<HistoryEvent> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.send(calls.history(runId, cursor));
      yield* page.items.map(historyEvent);
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /// Sends a signal to whoever waits for `name` with `key`.
  async signal(name: string, key: string, payload: unknown = null, options: SignalOptions = {}): Promise<SignalReceipt> {
    return signalReceipt(await this.send(calls.signal(name, key, payload, options)));
  }

  /// Sends a signal to one run, whatever key its wait has.
  async signalRun(
    runId: string,
    name: string,
    payload: unknown = null,
    { signalId }: { signalId?: string } = {},
  ): Promise<SignalReceipt> {
    return signalReceipt(await this.send(calls.signalRun(runId, name, payload, signalId)));
  }

  /// Asks a run or job to end; the receipt says what will happen.
  async cancel(
    runId: string,
    { mode, reason }: { mode?: 'graceful' | 'compensate' | 'kill'; reason?: string } = {},
  ): Promise<Receipt> {
    return receipt(await this.send(calls.cancel(runId, mode, reason)));
  }

  /// Has a closed run go on where it failed, or at `fromState`. Not repeated when the connection is lost: the run shows
  /// whether it was done.
  async retry(
    runId: string,
    options: { fromState?: string; input?: unknown; reason?: string; newIdempotencyKey?: boolean } = {},
  ): Promise<Receipt> {
    return receipt(await this.send(calls.retry(runId, options)));
  }

  /// Enqueues a job.
  async enqueueJob(request: JobRequest, { idempotencyKey }: Once = {}): Promise<JobReceipt> {
    return jobReceipt(await this.send(calls.enqueueJob(request, idempotencyKey)));
  }

  /// Enqueues up to 10 000 jobs. Item i answers request i; one that was refused is a Problem, not thrown.
  async enqueueJobs(requests: readonly JobRequest[], { idempotencyKey }: Once = {}): Promise<(JobReceipt | Problem)[]> {
    const { items } = await this.send(calls.enqueueJobs(requests, idempotencyKey));
    return items.map((item: Record<string, unknown>) => itemOr(jobReceipt, item));
  }

  /// Sends any call and returns its answer's document.
  async send(call: Call): Promise<any> {
    for (let tries = 1; ; ++tries) {
      try {
        return await this.connection.send(call);
      } catch (error) {
        if (tries >= this.backoff.attempts || !mayRepeat(error, call.repeatable ?? false)) throw error;
        await sleep(this.backoff.pause(tries, error));
      }
    }
  }
}
