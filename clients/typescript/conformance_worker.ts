/// The worker that clients/conformance plays with. Handlers as in its README.

import { setTimeout as pass } from 'node:timers/promises';
import { Snooze, TaskFailure, Worker } from './src/index.js';

const setting = (name: string) => Number(process.env[`CONFORMANCE_${name}`]);

await new Worker({
  queue: process.env['CONFORMANCE_QUEUE'] as string,
  concurrency: setting('CONCURRENCY'),
  prefetch: setting('PREFETCH'),
  leaseSeconds: setting('LEASE_SECONDS'),
  waitSeconds: setting('WAIT_SECONDS'),
})
  .handler('kit.echo', (input) => input)
  .handler('kit.context', (_, context) => ({
    attempt: context.attempt,
    idempotency_key: context.idempotencyKey,
    run_id: context.runId,
    traceparent: context.task.traceparent,
  }))
  .handler('kit.work', async (input, context) => {
    if (typeof input?.seconds !== 'number') throw new TypeError('seconds is not a number');
    await context.sleep(input.seconds);
    return { stopped: false };
  })
  .handler('kit.stubborn', async (input) => {
    await pass(input.seconds * 1000);
    return { stopped: false };
  })
  .handler('kit.fail', (input) => {
    const { retryable, retry_after_seconds: retryAfterSeconds } = input;
    throw new TaskFailure(input.error, input.cause, { retryable, retryAfterSeconds });
  })
  .handler('kit.snooze', (input) => {
    throw new Snooze(input.seconds);
  })
  .handler('kit.progress', async (_, context) => {
    const before = context.heartbeatDetails as { done: number };
    await context.heartbeat({ done: before.done + 1 });
    return { resumed: before };
  })
  .run();
