/// An application of pg-boss: chains of five jobs, each job's completion inserting the next one in the same transaction.

import { randomUUID } from 'node:crypto';
import { PgBoss } from 'pg-boss';
import { now, openLoop, serveScenarios, signpost } from './load.mjs';

const { connection, poolSize, batchSize, workers, useNotify } = JSON.parse(process.argv[2]);

const STEPS = 5;
const CHAIN = 'chain';
const SINGLE = 'single';

const boss = new PgBoss({ ...connection, max: poolSize, useListenNotify: useNotify });
boss.on('error', (error) => console.error(error));

let finishedChains = 0;
let onFinished = () => {};
const jobBegan = new Map();

/// One call moves a whole batch: the next jobs are inserted by one statement, and the worker completes the batch.
async function advance(jobs, transaction) {
  const next = jobs.filter(({ data }) => data.step < STEPS).map(({ data }) => ({ data: { step: data.step + 1 } }));
  if (next.length > 0) await boss.insert(CHAIN, next, { db: transaction });
  finishedChains += jobs.length - next.length;
  onFinished();
}

async function chains({ seconds, inFlight }) {
  const before = await completedJobs();
  finishedChains = 0;
  let startedChains = 0;
  const begun = now();
  const end = begun + seconds * 1000;
  const batch = Array.from({ length: batchSize }, () => ({ data: { step: 1 } }));
  while (now() < end) {
    if (startedChains + batch.length - finishedChains > inFlight) {
      const room = signpost();
      onFinished = room.reach;
      await room.reached;
      continue;
    }
    await boss.insert(CHAIN, batch);
    startedChains += batch.length;
  }
  while (finishedChains < startedChains) {
    const progress = signpost();
    onFinished = progress.reach;
    await progress.reached;
  }
  // The last batches are counted before their commit; the table says when everything is.
  let steps = 0;
  while (steps < startedChains * STEPS) steps = (await completedJobs()) - before;
  return { steps, errors: steps - startedChains * STEPS, seconds: (now() - begun) / 1000 };
}

async function completedJobs() {
  const { rows } = await boss
    .getDb()
    .executeSql(`select count(*)::int as count from pgboss.job where name = $1 and state = 'completed'`, [CHAIN]);
  return rows[0].count;
}

async function pickup() {
  const id = randomUUID();
  const began = signpost();
  jobBegan.set(id, began);
  await boss.send(SINGLE, {}, { id });
  const start = await began.reached;
  jobBegan.delete(id);
  return { start };
}

await boss.start();
await boss.createQueue(CHAIN, { partition: true });
await boss.createQueue(SINGLE, { notify: useNotify });
const chainOptions = {
  batchSize,
  localConcurrency: workers,
  pollingIntervalSeconds: 0.5,
  burstWhenBatchFull: true,
  transactional: true,
};
await boss.work(CHAIN, chainOptions, advance);
await boss.work(SINGLE, { pollingIntervalSeconds: 0.5, batchSize: 10, localConcurrency: 4 }, async (jobs) => {
  for (const { id } of jobs) jobBegan.get(id)?.reach(now());
});
serveScenarios({
  'pickup-latency': (request) => openLoop(request, pickup),
  'workflow-5-steps': chains,
  stop: () => boss.stop({ graceful: true, timeout: 5000 }),
});
process.send({ ready: true });
