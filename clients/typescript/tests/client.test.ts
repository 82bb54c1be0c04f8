/// The client against the real server.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Backoff, Client, ConnectionFailed, Problem, WaitTimedOut } from '../src/index.js';
import { CuttingProxy, RealServer } from './real_server.js';

const ECHO = { StartAt: 'Echo', States: { Echo: { Type: 'Task', Resource: 'handler:echo', End: true } } };
const WAIT = {
  StartAt: 'Wait',
  States: { Wait: { Type: 'Task', Resource: 'signal:go', Parameters: { 'key.$': '$.key' }, End: true } },
};
const FAIL = {
  StartAt: 'Fail',
  States: {
    Fail: {
      Type: 'Task', Resource: 'handler:fail', Parameters: { error: 'Kit.Broken', cause: 'on purpose' }, End: true,
    },
  },
};

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('Client', () => {
  const server = new RealServer();
  let client: Client;

  before(async () => {
    await server.start();
    client = new Client({ url: server.url, apiKey: server.apiKey });
  });
  after(() => server.close());

  async function aWorkflow(definition: object): Promise<string> {
    const name = `w-${randomUUID()}`;
    await client.deploy(name, definition);
    return name;
  }

  it('deploys once', async () => {
    const name = await aWorkflow(ECHO);

    assert.equal((await client.deploy(name, ECHO)).version, 1);
  });

  it('starts and reads a run', async () => {
    const request = { workflow: await aWorkflow(ECHO), input: { text: 'Zürich 🏔' }, key: 'k', attributes: { n: 1 } };

    const run = await client.wait((await client.startRun(request)).runId);

    assert.deepEqual([run.state, run.output, run.key, run.attributes], ['succeeded', { text: 'Zürich 🏔' }, 'k', { n: 1 }]);
    assert.ok(run.closedAt instanceof Date);
  });

  it('executes to the end', async () => {
    const run = await client.execute({ workflow: await aWorkflow(FAIL), input: {} });

    assert.equal(run.state, 'failed');
    assert.equal(run.error?.error, 'Kit.Broken');
  });

  it('says when patience ends', async () => {
    const request = { workflow: await aWorkflow(WAIT), input: { key: 'nobody' } };

    await assert.rejects(client.execute(request, { patienceSeconds: 0.3 }), WaitTimedOut);
  });

  it('reads all pages of a list', async () => {
    const workflow = await aWorkflow(ECHO);
    const started = await client.startRuns([1, 2, 3, 4, 5].map((input) => ({ workflow, input })));

    const listed = await all(client.listRuns({ workflow, limit: 2 }));

    assert.deepEqual(new Set(listed.map((run) => run.runId)), new Set(started.map((one) => 'runId' in one && one.runId)));
  });

  it('tells which items of a batch were refused', async () => {
    const [good, bad] = await client.startRuns([{ workflow: await aWorkflow(ECHO) }, { workflow: 'nobody-deployed-this' }]);

    assert.ok(good && 'runId' in good);
    assert.ok(bad instanceof Problem && bad.slug === 'unknown-workflow');
  });

  it('reads history in order', async () => {
    const run = await client.execute({ workflow: await aWorkflow(ECHO) });

    const events = await all(client.history(run.runId));

    assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1));
    assert.equal(events[0]?.type, 'ExecutionStarted');
  });

  it('signals by key and by run', async () => {
    const [workflow, key] = [await aWorkflow(WAIT), randomUUID()];
    const byKey = await client.startRun({ workflow, input: { key } });
    const byRun = await client.startRun({ workflow, input: { key: 'other' } });

    const { fate } = await client.signal('go', key, { n: 1 }, { waitSeconds: 20 });
    await client.signalRun(byRun.runId, 'go', { n: 2 });

    const outputs = await Promise.all([byKey, byRun].map(async ({ runId }) => (await client.wait(runId)).output));
    assert.equal(fate, 'consumed');
    assert.deepEqual(outputs.map((output: any) => output.payload), [{ n: 1 }, { n: 2 }]);
  });

  it('cancels', async () => {
    const { runId } = await client.startRun({ workflow: await aWorkflow(WAIT), input: { key: 'nobody' } });

    await client.cancel(runId, { reason: 'not needed' });

    assert.equal((await client.wait(runId)).state, 'cancelled');
  });

  it('retries', async () => {
    const { runId } = await client.execute({ workflow: await aWorkflow(FAIL), input: {} });

    await client.retry(runId, { reason: 'once more' });

    assert.equal((await client.wait(runId)).state, 'failed');
  });

  it('shows the whole problem', async () => {
    const request = { workflow: await aWorkflow(WAIT), input: { key: 'nobody' }, key: 'held' };
    const first = await client.startRun(request);

    const conflict = await client.startRun(request).catch((error: unknown) => error);
    const invalid = await client.send({ method: 'POST', path: '/v1/runs', body: '{"workflow": 7}' }).catch((e: unknown) => e);

    assert.ok(conflict instanceof Problem && invalid instanceof Problem);
    assert.deepEqual([conflict.status, conflict.slug, conflict.members['run_id']], [409, 'run-key-conflict', first.runId]);
    assert.equal(invalid.errors[0]?.pointer, '/workflow');
  });

  it('enqueues a job', async () => {
    const retry = { kind: 'exponential', initialSeconds: 2, factor: 3, maxSeconds: 60, jitter: 'none' } as const;
    const request = { handler: 'echo', input: { n: 1 }, queue: 'mail', priority: 5, maxAttempts: 2, retry, orderKey: 'k' };

    const run = await client.wait((await client.enqueueJob(request)).runId);

    assert.deepEqual([run.kind, run.workflow, run.state, run.output], ['job', 'echo', 'succeeded', { n: 1 }]);
  });

  it('enqueues a unique job once', async () => {
    const request = { handler: 'echo', delaySeconds: 60, unique: { key: randomUUID() } };
    const first = await client.enqueueJob(request);

    const again = await client.enqueueJob(request);
    const rejected = client.enqueueJob({ ...request, unique: { ...request.unique, onConflict: 'reject' } });

    assert.deepEqual([again.runId, again.existing, first.existing], [first.runId, true, false]);
    await assert.rejects(rejected, (error) => error instanceof Problem && error.slug === 'unique-conflict');
  });

  it('enqueues many jobs and tells which were refused', async () => {
    const [good, bad] = await client.enqueueJobs([{ handler: 'echo', input: 1 }, { handler: 'no good name' }]);

    assert.ok(good && 'runId' in good && (await client.wait(good.runId)).output === 1);
    assert.ok(bad instanceof Problem && bad.slug === 'invalid-body');
  });

  it('starts one run when the answer is lost', async () => {
    const workflow = await aWorkflow(ECHO);
    const proxy = new CuttingProxy(server.url, 2);
    const shaky = new Client({ url: await proxy.start(), apiKey: server.apiKey });

    const started = await shaky.startRun({ workflow });

    assert.deepEqual((await all(client.listRuns({ workflow }))).map((run) => run.runId), [started.runId]);
    assert.equal(proxy.requests, 3);
  });

  it('does not repeat what may not be done twice', async () => {
    const { runId } = await client.execute({ workflow: await aWorkflow(FAIL), input: {} });
    const proxy = new CuttingProxy(server.url, 1);
    const shaky = new Client({ url: await proxy.start(), apiKey: server.apiKey });

    await assert.rejects(shaky.retry(runId), (error) => error instanceof ConnectionFailed && error.sent);

    assert.equal(proxy.requests, 1);
  });

  it('says that nothing was sent when nobody listens', async () => {
    const alone = new Client({ url: 'http://127.0.0.1:4', backoff: new Backoff({ attempts: 2 }) });

    await assert.rejects(alone.getRun('x'), (error) => error instanceof ConnectionFailed && !error.sent);
  });

  it('refuses a wrong key', async () => {
    const stranger = new Client({ url: server.url, apiKey: 'not-the-right-key' });

    await assert.rejects(stranger.getRun('x'), (error) => error instanceof Problem && error.slug === 'unauthenticated');
  });

  it('survives a killed server', async () => {
    const { runId } = await client.startRun({ workflow: await aWorkflow(WAIT), input: { key: 'nobody' } });
    await server.kill();
    await server.start();

    assert.equal((await client.getRun(runId)).runId, runId);
  });
});
