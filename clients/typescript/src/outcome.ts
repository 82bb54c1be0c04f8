/// How a task ends: what a handler returned or threw, as the one call that tells the server.

/// Longer causes are cut: they are for people.
const MAX_CAUSE_CHARACTERS = 4000;
/// The server takes whole seconds: a failure waits a day at most, a snooze a year.
const MAX_RETRY_AFTER_SECONDS = 86_400;
const MAX_SNOOZE_SECONDS = 31_536_000;
const whole = (seconds: number, most: number) => Math.min(most, Math.max(0, Math.ceil(seconds)));

/// Thrown by a handler: the attempt failed with this error name. Retried by the step's or job's policy, not before
/// `retryAfterSeconds`, unless `retryable` is false.
export class TaskFailure extends Error {
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly error: string,
    readonly reason = '',
    options: { retryable?: boolean; retryAfterSeconds?: number } = {},
  ) {
    super(reason ? `${error}: ${reason}` : error);
    this.name = new.target.name;
    this.retryable = options.retryable ?? true;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/// Thrown by a handler: trying again cannot help.
export class NonRetryable extends TaskFailure {
  constructor(error: string, reason = '') {
    super(error, reason, { retryable: false });
  }
}

/// Thrown by a handler: not now; hand the task out again after `seconds` (rounded up). Costs no attempt.
export class Snooze extends Error {
  constructor(readonly seconds: number) {
    super(`snoozed for ${seconds} s`);
    this.name = 'Snooze';
  }
}

/// The reason of a context's signal, thrown inside a handler when its work is not wanted any more. Let it pass: the
/// worker gives the task back.
export class TaskCancelled extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'TaskCancelled';
  }
}

/// The call that settles a task; `body` is written once, so that a repeat sends the same bytes.
export interface Outcome {
  verb: 'complete' | 'fail' | 'release';
  body: string;
}

export const RELEASE: Outcome = { verb: 'release', body: '{}' };

/// An output that is not JSON fails for good: the next attempt would return the same.
export function completed(output: unknown): Outcome {
  let body: string;
  try {
    body = JSON.stringify({ output: output ?? null });
    // A function or a symbol is left out without a word.
    if (body === '{}') throw new TypeError(`a ${typeof output} is not JSON`);
  } catch (error) {
    return failed('Worker.OutputNotJson', String(error), false);
  }
  return { verb: 'complete', body };
}

export function failed(error: string, cause: string, retryable: boolean, retryAfterSeconds?: number): Outcome {
  const body = {
    error,
    cause: cause.slice(0, MAX_CAUSE_CHARACTERS),
    retryable,
    retry_after_seconds: retryAfterSeconds === undefined ? undefined : whole(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS),
  };
  return { verb: 'fail', body: JSON.stringify(body) };
}

/// What a handler's exception means. One that is none of ours is a failure named like its class; what a call throws
/// because of the context's signal is no failure.
export function ofException(error: unknown, signal: AbortSignal): Outcome {
  if (error instanceof TaskCancelled) return RELEASE;
  if (error instanceof Snooze) {
    return { verb: 'release', body: JSON.stringify({ delay_seconds: whole(error.seconds, MAX_SNOOZE_SECONDS) }) };
  }
  if (error instanceof TaskFailure) {
    return failed(error.error, error.reason, error.retryable, error.retryAfterSeconds);
  }
  if (error instanceof Error) {
    if (signal.aborted && error.name === 'AbortError') return RELEASE;
    return failed(error.name, error.message, true);
  }
  return failed('Error', String(error), true);
}
