/// An application of pg-boss. A job that is done stays in its table, as completed.

import { randomUUID } from 'node:crypto';
import { PgBoss } from 'pg-boss';
import { serveJobScenarios } from './job_scenarios.mjs';

const { connection, poolSize, batch, batchSize, workers } = JSON.parse(process.argv[2]);

const boss = new PgBoss({ ...connection, max: poolSize, useListenNotify: true });
boss.on('error', (error) => console.error(error));
await boss.start();
await boss.createQueue('noop', { partition: true });
await boss.createQueue('single', { notify: true });
await boss.createQueue('nobody');

const many = { batchSize, localConcurrency: workers, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
const few = { batchSize: 10, localConcurrency: 4, pollingIntervalSeconds: 0.5 };

serveJobScenarios(
  {
    batch,
    enqueueMany: (count) => boss.insert('noop', Array.from({ length: count }, () => ({ data: null }))),
    enqueueOne: (id) => boss.send('single', { id }, { id: randomUUID() }),
    enqueueIdle: () => boss.send('nobody', null),
    async work(onStart) {
      await boss.work('noop', many, async (jobs) => {
        for (let i = 0; i < jobs.length; ++i) onStart();
      });
      await boss.work('single', few, async (jobs) => {
        for (const { data } of jobs) onStart(data.id);
      });
      return async () => {
        await boss.offWork('noop');
        await boss.offWork('single');
      };
    },
    async settled() {
      const { rows } = await boss
        .getDb()
        .executeSql(`select count(*)::int as count from pgboss.job where name in ('noop', 'single') and state = 'completed'`);
      return rows[0].count;
    },
  },
  () => boss.stop({ graceful: true, timeout: 5000 }),
);
