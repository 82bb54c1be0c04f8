/// One task in hand: its lease, what the server said about it, and the way to its one outcome. Decides, sends nothing.

import { Backoff } from './backoff.js';
import { Problem } from './errors.js';
import { failed, TaskCancelled, type Outcome } from './outcome.js';
import type { Task } from './task.js';

/// An outcome that could not be delivered is kept trying this long after the lease ended: the server decides, not our
/// clock, and it may have been away itself.
export const OUTCOME_GRACE_SECONDS = 30;
const BACKOFF = new Backoff({ firstSeconds: 0.1, maxSeconds: 2 });

/// Moments are seconds of the monotonic clock.
export class HeldTask {
  /// The server refused the token: nothing may be sent for it any more.
  tokenIsStale = false;
  heartbeatBody = '{}';
  private readonly stopping = new AbortController();
  private leaseUntil: number;
  private tries = 0;
  private wasRefused = false;

  constructor(
    readonly task: Task,
    private readonly leaseSeconds: number,
    claimedAt: number,
  ) {
    this.leaseUntil = claimedAt + leaseSeconds;
  }

  get heartbeatInterval(): number {
    return this.leaseSeconds / 3;
  }

  get heartbeatTimeout(): number {
    return Math.max(0.5, this.leaseSeconds / 3);
  }

  /// Aborted, with a TaskCancelled that says why, when the work should stop.
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /// They go with every heartbeat from now on.
  setDetails(details: unknown): void {
    this.heartbeatBody = JSON.stringify({ details: details ?? null });
  }

  giveUp(why: string): void {
    if (!this.signal.aborted) this.stopping.abort(new TaskCancelled(why));
  }

  heartbeatAnswered(answer: { cancel_requested?: boolean }, sentAt: number): void {
    // Counted from the sending: the server's count began later.
    this.leaseUntil = Math.max(this.leaseUntil, sentAt + this.leaseSeconds);
    if (answer.cancel_requested) this.giveUp('the run is being cancelled');
  }

  /// Seconds until the next try; undefined when there is nothing left to renew.
  heartbeatFailed(error: unknown, now: number): number | undefined {
    if (error instanceof Problem && [413, 422].includes(error.status) && this.heartbeatBody !== '{}') {
      // Details that the server cannot take must not cost the lease.
      this.heartbeatBody = '{}';
      return 0;
    }
    if (error instanceof Problem && [404, 409].includes(error.status)) {
      this.tokenIsStale = true;
      this.giveUp('the lease has ended');
      return undefined;
    }
    if (now >= this.leaseUntil) {
      // The server may still know better when the outcome comes.
      this.giveUp('the lease ran out before a heartbeat was answered');
      return undefined;
    }
    return Math.min(this.heartbeatInterval, BACKOFF.pause(1, error));
  }

  /// What to send and after how many seconds; undefined when the outcome is to be dropped. The same outcome is sent
  /// again, so that a token never gets two; only one that the server refused for its content becomes a failure.
  outcomeFailed(sent: Outcome, error: unknown, now: number): { pause: number; next: Outcome } | undefined {
    ++this.tries;
    if (error instanceof Problem && !error.isPassing && error.status < 500) {
      if (this.wasRefused || ![413, 422].includes(error.status)) return undefined;
      this.wasRefused = true;
      return { pause: 0, next: failed('Worker.OutcomeRefused', error.message, false) };
    }
    const pause = BACKOFF.pause(this.tries, error);
    return now + pause < this.leaseUntil + OUTCOME_GRACE_SECONDS ? { pause, next: sent } : undefined;
  }
}
