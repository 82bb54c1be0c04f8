/// The worker against the real server.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import * as calls from '../src/calls.js';
import { Client, NonRetryable, Problem, Snooze, Worker, type Handler, type WorkerOptions } from '../src/index.js';
import { CuttingProxy, RealServer } from './real_server.js';

const RETRY = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 1 }];

/// A promise that somebody else settles.
function signpost(): { reached: Promise<void>; reach: () => void } {
  let reach = () => {};
  const reached = new Promise<void>((resolve) => (reach = resolve));
  return { reached, reach };
}

describe('Worker', () => {
  const server = new RealServer();
  let client: Client;
  /// Names of one test, so that nobody takes another's tasks.
  let queue: string;
  let name: string;
  let workers: { worker: Worker; ended: Promise<void> }[];

  before(async () => {
    await server.start();
    client = new Client({ url: server.url, apiKey: server.apiKey });
  });
  after(() => server.close());
  beforeEach(() => {
    queue = `q-${randomUUID()}`;
    name = `h-${randomUUID()}`;
    workers = [];
  });
  afterEach(async () => {
    for (const { worker } of workers) worker.stop();
    await Promise.all(workers.map(({ ended }) => ended));
  });

  function work(handler: Handler, options: WorkerOptions = {}): Worker {
    const usual = { url: server.url, apiKey: server.apiKey, queue, leaseSeconds: 3, waitSeconds: 5, log: () => {} };
    const worker = new Worker({ ...usual, ...options }).handler(name, handler);
    workers.push({ worker, ended: worker.run({ handleSignals: false }) });
    return worker;
  }

  async function runOfOneStep(input: unknown = {}, more: object = {}): Promise<string> {
    const workflow = `w-${randomUUID()}`;
    const step = { Type: 'Task', Resource: `handler:${name}?queue=${queue}`, End: true, ...more };
    await client.deploy(workflow, { StartAt: 'Step', States: { Step: step } });
    return (await client.startRun({ workflow, input })).runId;
  }

  const ended = (runId: string) => client.wait(runId, { patienceSeconds: 30 });

  /// As a worker that will not keep its promise.
  async function claimAndVanish(): Promise<Record<string, any>> {
    const terms = { max_tasks: 1, wait_seconds: 10, lease_seconds: 1 };
    const call = calls.claim(queue, { worker_id: `lost-${randomUUID()}`, instance: '1', handlers: [name], ...terms });
    return (await client.send(call)).tasks[0];
  }

  it('performs a step', async () => {
    const runId = await runOfOneStep({ text: 'Zürich 🏔' });
    work((input, context) => ({ got: input, attempt: context.attempt, runId: context.runId }));

    assert.deepEqual((await ended(runId)).output, { got: { text: 'Zürich 🏔' }, attempt: 1, runId });
  });

  it('performs jobs', async () => {
    work((input) => input + 1);

    const receipts = await client.enqueueJobs([1, 2, 3].map((input) => ({ handler: name, queue, input })));

    const outputs = await Promise.all(receipts.map(async (job) => 'runId' in job && (await ended(job.runId)).output));
    assert.deepEqual(outputs, [2, 3, 4]);
  });

  it("is retried by the step's policy, with one idempotency key", async () => {
    const seen: [number, string][] = [];
    const runId = await runOfOneStep({}, { Retry: RETRY });
    work((_, context) => {
      seen.push([context.attempt, context.idempotencyKey]);
      if (context.attempt < 3) throw new Error('not yet');
      return context.attempt;
    });

    assert.equal((await ended(runId)).output, 3);
    assert.deepEqual(seen.map(([attempt]) => attempt), [1, 2, 3]);
    assert.equal(new Set(seen.map(([, key]) => key)).size, 1);
  });

  it('fails for good when it says so', async () => {
    const runId = await runOfOneStep({}, { Retry: RETRY });
    work(() => {
      throw new NonRetryable('Card.Stolen', 'the bank keeps it');
    });

    const run = await ended(runId);

    assert.equal(run.state, 'failed');
    assert.deepEqual(run.error, { error: 'Card.Stolen', cause: 'the bank keeps it' });
  });

  it('snoozes without an attempt', async () => {
    const attempts: number[] = [];
    const runId = await runOfOneStep();
    work((_, context) => {
      attempts.push(context.attempt);
      if (attempts.length === 1) throw new Snooze(1);
    });

    assert.equal((await ended(runId)).state, 'succeeded');
    assert.deepEqual(attempts, [1, 1]);
  });

  it('tells the handler of a cancelled run', async () => {
    const began = signpost();
    const runId = await runOfOneStep();
    work(async (_, context) => {
      began.reach();
      await context.sleep(30);
    });
    await began.reached;

    await client.cancel(runId, { reason: 'not needed' });

    assert.equal((await ended(runId)).state, 'cancelled');
  });

  it('goes on where a lost worker stopped', async () => {
    const runId = await runOfOneStep();
    const lost = await claimAndVanish();
    await client.send(calls.settle(lost['task_token'], 'heartbeat', '{"details":{"done":7}}'));
    let found: unknown;
    work((_, context) => {
      found = [context.heartbeatDetails, context.idempotencyKey];
      return context.attempt;
    });

    assert.equal((await ended(runId)).output, 2);
    assert.deepEqual(found, [{ done: 7 }, lost['idempotency_key']]);
    const late = client.send(calls.settle(lost['task_token'], 'complete', '{"output":"late"}'));
    await assert.rejects(late, (error) => error instanceof Problem && error.slug === 'stale-lease');
  });

  it('completes once when the answer is lost', async () => {
    const proxy = new CuttingProxy(server.url, 2, '/complete');
    const attempts: number[] = [];
    const runId = await runOfOneStep();
    work((_, context) => void attempts.push(context.attempt), { url: await proxy.start() });

    assert.equal((await ended(runId)).state, 'succeeded');
    for (const { worker, ended: end } of workers.splice(0)) {
      worker.stop();
      await end;
    }
    assert.deepEqual([proxy.requests, attempts], [3, [1]]);
  });

  it('survives a killed server', async () => {
    const began = signpost();
    work(
      async (input, context) => {
        began.reach();
        await context.sleep(input.seconds);
        return 'done';
      },
      { leaseSeconds: 20 },
    );
    const first = await runOfOneStep({ seconds: 2 });
    await began.reached;
    await server.kill();
    await server.start();
    const second = await runOfOneStep({ seconds: 0 });

    assert.deepEqual([(await ended(first)).output, (await ended(second)).output], ['done', 'done']);
  });

  it('finishes what it has and releases the rest when it is stopped', async () => {
    const began = signpost();
    const worker = work(
      async (_, context) => {
        began.reach();
        await context.sleep(1.5);
        return 'by the first';
      },
      { concurrency: 1, prefetch: 2 },
    );
    const runs = await Promise.all([1, 2, 3].map(() => runOfOneStep()));
    await began.reached;
    worker.stop();
    await Promise.all(workers.map(({ ended: end }) => end));
    work(() => 'by another');

    const outputs = await Promise.all(runs.map(async (run) => (await ended(run)).output));
    assert.deepEqual(outputs.sort(), ['by another', 'by another', 'by the first']);
  });

  it('ends when its key is refused', async () => {
    const stranger = new Worker({ url: server.url, apiKey: 'not-the-right-key', queue }).handler(name, () => null);

    await assert.rejects(stranger.run(), (error) => error instanceof Problem && error.slug === 'unauthenticated');
  });
});
