/// When to try again.

import { ConnectionFailed, Problem } from './errors.js';

/// A server may ask for any pause; longer ones are not obeyed, so that a caller notices its return.
const MAX_RETRY_AFTER_SECONDS = 60;

export interface BackoffOptions {
  /// The first try included; 1 switches repeating off.
  attempts?: number;
  firstSeconds?: number;
  factor?: number;
  maxSeconds?: number;
}

/// Pauses between tries: exponential, half of it random so that callers do not come back together.
export class Backoff {
  readonly attempts: number;
  private readonly firstSeconds: number;
  private readonly factor: number;
  private readonly maxSeconds: number;

  constructor({ attempts = 8, firstSeconds = 0.1, factor = 2, maxSeconds = 5 }: BackoffOptions = {}) {
    this.attempts = attempts;
    this.firstSeconds = firstSeconds;
    this.factor = factor;
    this.maxSeconds = maxSeconds;
  }

  /// Seconds to wait after `tries` failed tries; at least what the server asked for.
  pause(tries: number, error?: unknown): number {
    const delay = Math.min(this.maxSeconds, this.firstSeconds * this.factor ** Math.min(tries - 1, 30));
    const asked = error instanceof Problem ? (error.retryAfterSeconds ?? 0) : 0;
    return Math.max(delay * (0.5 + Math.random() / 2), Math.min(asked, MAX_RETRY_AFTER_SECONDS));
  }
}

/// Whether a call that ended with `error` may be sent again. `repeatable`: doing it twice is the same as once.
export function mayRepeat(error: unknown, repeatable: boolean): boolean {
  if (error instanceof ConnectionFailed) return repeatable || !error.sent;
  return error instanceof Problem && error.isPassing && repeatable;
}

/// Resolves after `seconds`, or as soon as `signal` is aborted.
export function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal?.addEventListener('abort', done);
  });
}

/// Seconds of the monotonic clock.
export const now = () => performance.now() / 1000;
