/// Outcomes, repeats and leases as plain values, without a server.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff, mayRepeat } from '../src/backoff.js';
import * as calls from '../src/calls.js';
import { ConnectionFailed, Problem } from '../src/errors.js';
import { HeldTask, OUTCOME_GRACE_SECONDS } from '../src/held_task.js';
import { completed, ofException, RELEASE, Snooze, TaskFailure } from '../src/outcome.js';
import { readTask } from '../src/task.js';

const aProblem = (status: number, slug = 'unavailable', retryAfter?: number) =>
  new Problem(status, { type: `/problems/${slug}`, title: slug }, retryAfter);
const aHeldTask = () => new HeldTask(readTask({ task_token: 't', run_id: 'r', handler: 'h' }), 30, 100);
const quiet = new AbortController().signal;

describe('Calls', () => {
  it('leave out what was not given', () => {
    const call = calls.startRun({ workflow: 'greet' }, 'key');

    assert.equal(call.body, '{"workflow":"greet"}');
    assert.deepEqual(call.headers, { 'Idempotency-Key': 'key' });
  });

  it('make a key of their own', () => {
    const [first, second] = [1, 2].map(() => calls.enqueueJob({ handler: 'h' }).headers?.['Idempotency-Key']);

    assert.notEqual(first, second);
  });

  it('write every member of a job by its name in the API', () => {
    const call = calls.enqueueJob({
      handler: 'mail.send', input: 1, queue: 'mail', runAt: new Date(0), priority: 5, maxAttempts: 3, orderKey: 'k',
      unique: { key: 'k', withinSeconds: 60, onConflict: 'reject' }, retry: { kind: 'list', delaysSeconds: [1, 5] },
    });

    assert.deepEqual(JSON.parse(call.body ?? ''), {
      handler: 'mail.send', input: 1, queue: 'mail', run_at: '1970-01-01T00:00:00.000Z', priority: 5, max_attempts: 3,
      order_key: 'k', unique: { key: 'k', within_seconds: 60, on_conflict: 'reject' },
      retry: { kind: 'list', delays_seconds: [1, 5] },
    });
  });

  it('are repeated only where that does no harm', () => {
    assert.ok(mayRepeat(new ConnectionFailed('refused', false), false));
    assert.ok(!mayRepeat(new ConnectionFailed('cut', true), false));
    assert.ok(mayRepeat(new ConnectionFailed('cut', true), true));
    assert.ok(mayRepeat(aProblem(503), true));
    assert.ok(!mayRepeat(aProblem(503, 'missing-secret'), true));
    assert.ok(!mayRepeat(aProblem(422, 'invalid-body'), true));
  });

  it('come back as late as the server asked, but no later than a minute', () => {
    assert.ok(new Backoff().pause(1, aProblem(503, 'unavailable', 7)) >= 7);
    assert.equal(new Backoff().pause(1, aProblem(503, 'unavailable', 7200)), 60);
  });
});

describe('Outcome', () => {
  it('of an unmeant exception is named after it', () => {
    assert.deepEqual(JSON.parse(ofException(new TypeError('x'), quiet).body), {
      error: 'TypeError', cause: 'x', retryable: true,
    });
  });

  it('carries what the handler meant', () => {
    assert.deepEqual(JSON.parse(ofException(new TaskFailure('Bank.Busy', 'later', { retryAfterSeconds: 9 }), quiet).body), {
      error: 'Bank.Busy', cause: 'later', retryable: true, retry_after_seconds: 9,
    });
    assert.deepEqual(ofException(new Snooze(5), quiet), { verb: 'release', body: '{"delay_seconds":5}' });
  });

  it('of a call that the signal ended is a release', () => {
    const aborted = new DOMException('aborted', 'AbortError');

    assert.equal(ofException(aborted, AbortSignal.abort()), RELEASE);
    assert.equal(ofException(aborted, quiet).verb, 'fail');
  });

  it('fails for good when the output is no JSON', () => {
    for (const output of [1n, () => 1]) assert.equal(JSON.parse(completed(output).body).retryable, false);
    assert.equal(completed(undefined).body, '{"output":null}');
  });
});

describe('HeldTask', () => {
  it('sends the same outcome again after a lost connection', () => {
    const sent = completed(1);

    assert.equal(aHeldTask().outcomeFailed(sent, new ConnectionFailed('cut', true), 101)?.next, sent);
  });

  it('drops an outcome that is stale', () => {
    assert.equal(aHeldTask().outcomeFailed(RELEASE, aProblem(409, 'stale-lease'), 101), undefined);
  });

  it('stops trying some time after the lease', () => {
    assert.equal(aHeldTask().outcomeFailed(RELEASE, aProblem(503), 130 + OUTCOME_GRACE_SECONDS), undefined);
  });

  it('is unwanted once the lease ran out unheard', () => {
    const held = aHeldTask();

    assert.notEqual(held.heartbeatFailed(aProblem(503), 129), undefined);
    assert.equal(held.signal.aborted, false);
    assert.equal(held.heartbeatFailed(aProblem(503), 130), undefined);

    assert.deepEqual([held.signal.aborted, held.tokenIsStale], [true, false]);
  });

  it('lives longer with each heartbeat', () => {
    const held = aHeldTask();

    held.heartbeatAnswered({ cancel_requested: false }, 120);

    assert.notEqual(held.heartbeatFailed(aProblem(503), 149), undefined);
  });
});
