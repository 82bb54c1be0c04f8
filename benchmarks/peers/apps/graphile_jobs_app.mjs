/// An application of graphile-worker. A job that is done is deleted; nothing of it is kept.

import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { serveJobScenarios } from './job_scenarios.mjs';

const { connection, concurrency, poolSize, batch, localQueue, completeJobBatchDelay, latency } = JSON.parse(process.argv[2]);

const silent = new Logger(() => () => {});
const pool = new pg.Pool({ ...connection, max: poolSize });
pool.on('error', (error) => console.error(error));
const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
await utils.migrate();

let added = 0;
const noop = () => [{ identifier: 'noop', payload: {} }];

/// The figures of throughput and those of latency come from different settings, each the best for its kind.
let tuned = { localQueue, completeJobBatchDelay };

serveJobScenarios(
  {
    batch,
    async enqueueMany(count) {
      const specs = Array.from({ length: count }, () => noop()[0]);
      await utils.addJobs(specs);
      added += count;
    },
    async enqueueOne(id) {
      await utils.addJob('noop', { id });
      ++added;
    },
    enqueueIdle: () => utils.addJob('nobody', {}),
    async work(onStart) {
      const taskList = { noop: ({ id }) => onStart(id) };
      const { localQueue: queue, completeJobBatchDelay: delay } = tuned;
      const worker = { ...(queue && { localQueue: { size: queue } }), completeJobBatchDelay: delay, failJobBatchDelay: delay };
      const runner = await run({
        pgPool: pool,
        logger: silent,
        noHandleSignals: true,
        concurrency,
        pollInterval: 2000,
        taskList,
        preset: { worker },
      });
      return () => runner.stop();
    },
    async settled() {
      // What is done is deleted, so what is missing is done.
      const { rows } = await pool.query(
        `select count(*)::int as left from graphile_worker._private_jobs as job
         join graphile_worker._private_tasks as task on task.id = job.task_id where task.identifier = 'noop'`,
      );
      return added - rows[0].left;
    },
    tune(scenario) {
      tuned = scenario === 'pickup-latency' ? latency : { localQueue, completeJobBatchDelay };
    },
  },
  async () => {
    await utils.release();
    await pool.end();
  },
);
