/// A worker that performs steps and jobs.

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Backoff, now, sleep } from './backoff.js';
import * as calls from './calls.js';
import { Connection, type Address } from './connection.js';
import { Problem } from './errors.js';
import { HeldTask } from './held_task.js';
import { completed, ofException, RELEASE, TaskCancelled, type Outcome } from './outcome.js';
import { readTask, type Task } from './task.js';

/// Limits of the claim call.
const MAX_TASKS = 500;
const MAX_HANDLERS = 100;
/// What a handler gets to react when the time to drain is over.
const LAST_SECONDS = 2;
const CLAIM_BACKOFF = new Backoff({ firstSeconds: 0.1, maxSeconds: 5 });

/// What a handler is given beside its input.
export class TaskContext {
  constructor(
    private readonly held: HeldTask,
    private readonly beat: (held: HeldTask) => Promise<number | undefined>,
  ) {}

  get task(): Task {
    return this.held.task;
  }

  get runId(): string {
    return this.task.runId;
  }

  /// From 1.
  get attempt(): number {
    return this.task.attempt;
  }

  /// The same for every attempt of the step: give it to whatever you call outside.
  get idempotencyKey(): string {
    return this.task.idempotencyKey;
  }

  /// What the attempt before this one said last; null for a first attempt.
  get heartbeatDetails(): unknown {
    return this.task.heartbeatDetails;
  }

  /// Aborted when the work should stop: the run is being cancelled, the lease is lost, or the worker ends. Hand it to
  /// `fetch` and the like.
  get signal(): AbortSignal {
    return this.held.signal;
  }

  get cancelled(): boolean {
    return this.signal.aborted;
  }

  /// Throws TaskCancelled when the work should stop.
  throwIfCancelled(): void {
    if (this.signal.aborted) throw this.signal.reason as TaskCancelled;
  }

  /// Waits; throws TaskCancelled as soon as the work should stop.
  async sleep(seconds: number): Promise<void> {
    await sleep(seconds, this.signal);
    this.throwIfCancelled();
  }

  /// Leaves `details` for the next attempt, should this one be lost, and tells the server at once. Leases are renewed
  /// without it. Throws TaskCancelled when the work should stop.
  async heartbeat(details: unknown): Promise<void> {
    this.held.setDetails(details);
    await this.beat(this.held);
    this.throwIfCancelled();
  }
}

/// Performs a step: gets the input, returns the output. What it throws is an outcome too: TaskFailure, NonRetryable,
/// Snooze, anything else.
export type Handler = (input: any, context: TaskContext) => unknown;

export interface WorkerOptions extends Address {
  /// Default `default`.
  queue?: string;
  /// Default: host, process id and a random part. Two workers must not have one name.
  workerId?: string;
  /// Tasks performed at once, 1 to 10 000. Default 32.
  concurrency?: number;
  /// Tasks held beside those, ready to begin. Default 0.
  prefetch?: number;
  /// 1 to 3 600, default 30; renewed at a third of it.
  leaseSeconds?: number;
  /// Of a claim, 0 to 60, default 20.
  waitSeconds?: number;
  /// What has begun may take so long after `stop`. Default 30.
  drainSeconds?: number;
  /// For an answer. Default 30.
  timeoutSeconds?: number;
  /// Hears of what the worker coped with. Default: console.error.
  log?: (message: string, error?: unknown) => void;
}

/// Claims tasks of one queue and performs up to `concurrency` at once. A task gets one outcome, repeated until the
/// server has answered it; a stale token's result is dropped. `run` resolves after `stop` or SIGTERM: what has begun is
/// finished within `drainSeconds`, what has not is released.
export class Worker {
  readonly workerId: string;
  /// Names this life of the worker: the server refuses the older of two that use one worker id.
  private readonly instance = randomBytes(8).toString('hex');
  private readonly connection: Connection;
  private readonly queue: string;
  private readonly concurrency: number;
  private readonly prefetch: number;
  private readonly leaseSeconds: number;
  private readonly waitSeconds: number;
  private readonly drainSeconds: number;
  private readonly log: (message: string, error?: unknown) => void;
  private readonly handlers = new Map<string, Handler>();
  private readonly stopping = new AbortController();
  private readonly ready: HeldTask[] = [];
  private readonly held = new Set<HeldTask>();
  /// Those whose outcome is not known yet.
  private readonly renewing = new Set<HeldTask>();
  private performing = 0;
  private onSettled = () => {};

  constructor(options: WorkerOptions = {}) {
    const inRange = (name: 'concurrency' | 'prefetch' | 'leaseSeconds' | 'waitSeconds', usual: number, low: number, high: number) => {
      const value = options[name] ?? usual;
      if (Number.isInteger(value) && value >= low && value <= high) return value;
      throw new RangeError(`${name} is a number from ${low} to ${high}, not ${value}`);
    };
    this.connection = new Connection(options, options.timeoutSeconds ?? 30);
    this.queue = options.queue ?? 'default';
    this.workerId = options.workerId ?? `${hostname()}-${process.pid}-${this.instance.slice(0, 6)}`;
    this.concurrency = inRange('concurrency', 32, 1, 10_000);
    this.prefetch = inRange('prefetch', 0, 0, 10_000);
    this.leaseSeconds = inRange('leaseSeconds', 30, 1, 3600);
    this.waitSeconds = inRange('waitSeconds', 20, 0, 60);
    this.drainSeconds = options.drainSeconds ?? 30;
    this.log = options.log ?? ((message, error) => console.error(message, ...(error === undefined ? [] : [error])));
  }

  /// Must be done before `run`.
  handler(name: string, handler: Handler): this {
    if (this.handlers.has(name)) throw new Error(`the handler ${name} is registered twice`);
    this.handlers.set(name, handler);
    return this;
  }

  /// Asks `run` to end. Returns at once.
  stop(): void {
    this.stopping.abort();
    this.onSettled();
  }

  /// Works until `stop`, SIGTERM or SIGINT. A worker runs once. Throws the Problem that makes every further claim
  /// hopeless, such as a refused key.
  async run({ handleSignals = true }: { handleSignals?: boolean } = {}): Promise<void> {
    const count = this.handlers.size;
    if (count < 1 || count > MAX_HANDLERS) throw new RangeError(`a worker has 1 to ${MAX_HANDLERS} handlers, not ${count}`);
    const onSignal = () => this.stop();
    const signals = handleSignals ? (['SIGTERM', 'SIGINT'] as const) : [];
    for (const signal of signals) process.on(signal, onSignal);
    try {
      await this.claimAll();
    } finally {
      this.stop();
      this.begin();
      await this.drain();
      for (const signal of signals) process.off(signal, onSignal);
    }
  }

  private async claimAll(): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted; ) {
      const room = Math.min(this.concurrency + this.prefetch - this.held.size, MAX_TASKS);
      if (room <= 0) {
        await this.nextSettled();
        continue;
      }
      const call = calls.claim(this.queue, {
        worker_id: this.workerId,
        instance: this.instance,
        handlers: [...this.handlers.keys()].sort(),
        max_tasks: room,
        wait_seconds: this.waitSeconds,
        lease_seconds: this.leaseSeconds,
      });
      try {
        const { tasks } = await this.connection.send(call, { signal: this.stopping.signal });
        failures = 0;
        // A lease begins when the server hands the task out, at the end of the long poll.
        for (const task of tasks) this.take(new HeldTask(readTask(task), this.leaseSeconds, now()));
        this.begin();
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        if (isHopeless(error)) throw error;
        ++failures;
        this.log(`claiming from ${this.queue} failed, trying again`, error);
        await sleep(CLAIM_BACKOFF.pause(failures, error), this.stopping.signal);
      }
    }
  }

  private take(held: HeldTask): void {
    this.held.add(held);
    this.renewing.add(held);
    this.ready.push(held);
    this.beatLater(held, held.heartbeatInterval);
  }

  /// Gives free places to what is ready; when the worker stops, what has not begun is released.
  private begin(): void {
    while (this.ready.length > 0 && (this.performing < this.concurrency || this.stopping.signal.aborted)) {
      ++this.performing;
      const held = this.ready.shift() as HeldTask;
      void this.hold(held).finally(() => {
        --this.performing;
        this.held.delete(held);
        this.begin();
        this.onSettled();
      });
    }
  }

  /// Never rejects: what goes wrong is the task's outcome, or leaves the task to its lease.
  private async hold(held: HeldTask): Promise<void> {
    const handler = this.handlers.get(held.task.handler);
    const mustNotBegin = this.stopping.signal.aborted || held.signal.aborted || handler === undefined;
    const outcome = mustNotBegin ? RELEASE : await this.perform(handler, held);
    await this.settle(held, outcome);
  }

  private async perform(handler: Handler, held: HeldTask): Promise<Outcome> {
    try {
      return completed(await handler(held.task.input, new TaskContext(held, (task) => this.beat(task))));
    } catch (error) {
      return ofException(error, held.signal);
    }
  }

  private async settle(held: HeldTask, outcome: Outcome): Promise<void> {
    this.renewing.delete(held);
    for (let sending = outcome; !held.tokenIsStale; ) {
      try {
        await this.connection.send(calls.settle(held.task.token, sending.verb, sending.body));
        return;
      } catch (error) {
        const again = held.outcomeFailed(sending, error, now());
        if (again === undefined) {
          this.log(`${sending.verb} of run ${held.task.runId} is dropped`, error);
          return;
        }
        await sleep(again.pause);
        sending = again.next;
      }
    }
  }

  private beatLater(held: HeldTask, seconds: number): void {
    setTimeout(() => {
      if (!this.renewing.has(held)) return;
      void this.beat(held).then((pause) => {
        if (pause !== undefined) this.beatLater(held, pause);
      });
    }, seconds * 1000).unref();
  }

  /// One heartbeat; the seconds until the next.
  private async beat(held: HeldTask): Promise<number | undefined> {
    const sentAt = now();
    const call = calls.settle(held.task.token, 'heartbeat', held.heartbeatBody);
    try {
      const answer = await this.connection.send(call, { timeoutSeconds: held.heartbeatTimeout });
      held.heartbeatAnswered(answer ?? {}, sentAt);
    } catch (error) {
      return held.heartbeatFailed(error, now());
    }
    return Math.max(0, sentAt + held.heartbeatInterval - now());
  }

  private async drain(): Promise<void> {
    await this.allSettledWithin(this.drainSeconds);
    for (const held of this.held) held.giveUp('the worker is stopping');
    await this.allSettledWithin(LAST_SECONDS);
    if (this.held.size > 0) this.log(`${this.held.size} tasks are left to their leases: their handlers did not return`);
  }

  private async allSettledWithin(seconds: number): Promise<void> {
    const until = now() + seconds;
    while (this.performing > 0 && now() < until) {
      const late = new AbortController();
      await Promise.race([this.nextSettled(), sleep(until - now(), late.signal)]);
      late.abort();
    }
  }

  private nextSettled(): Promise<void> {
    return new Promise((resolve) => (this.onSettled = resolve));
  }
}

/// Whether no later claim can succeed: a wrong credential, queue or argument, a worker id that a younger worker took
/// over. Everything else passes.
function isHopeless(error: unknown): boolean {
  if (!(error instanceof Problem) || error.isPassing) return false;
  if (['missing-secret', 'not-implemented', 'worker-id-in-use'].includes(error.slug)) return true;
  return error.status >= 400 && error.status < 500 && ![408, 409].includes(error.status);
}
