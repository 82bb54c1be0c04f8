import { fileURLToPath } from 'node:url';
import { PrivatePostgres } from '../postgres.mjs';
import { postgresStore, turnOfJobs } from './jobs_on_store.mjs';

const APPLICATION = fileURLToPath(new URL('../apps/pgboss_jobs_app.mjs', import.meta.url));
const tuning = { batch: 1000, batchSize: 1000, workers: 4, poolSize: 12, ...JSON.parse(process.env.PEERS_PGBOSS_JOBS ?? '{}') };

export const pgbossJobs = {
  key: 'pg-boss',
  title: 'pg-boss',
  package: 'pg-boss',
  durability: 'PostgreSQL, fsync and synchronous_commit on; a transaction per batch of jobs; finished jobs are kept',
  settings: [
    `insert with ${tuning.batch}`,
    `${tuning.workers} workers with batches of ${tuning.batchSize} and burstWhenBatchFull`,
    'a partition for the queue',
    'LISTEN/NOTIFY for the latency queue only',
  ],
  async turn(folder, shape) {
    const postgres = await PrivatePostgres.start(folder);
    const store = postgresStore(postgres);
    const figures = await turnOfJobs({ folder, application: APPLICATION, options: tuning, store }, shape);
    await postgres.stop();
    return figures;
  },
};
