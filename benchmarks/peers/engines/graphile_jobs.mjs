import { fileURLToPath } from 'node:url';
import { PrivatePostgres } from '../postgres.mjs';
import { postgresStore, turnOfJobs } from './jobs_on_store.mjs';

const APPLICATION = fileURLToPath(new URL('../apps/graphile_jobs_app.mjs', import.meta.url));
const tuning = {
  concurrency: 24,
  poolSize: 24,
  batch: 1000,
  localQueue: 500,
  completeJobBatchDelay: 0,
  latency: { localQueue: 0, completeJobBatchDelay: -1 },
  ...JSON.parse(process.env.PEERS_GRAPHILE ?? '{}'),
};

/// graphile-worker with the local queue and batched completions of its documentation's chapter on performance; the
/// latency scenario goes without, which is faster there.
export const graphileJobs = {
  key: 'graphile-worker',
  title: 'graphile-worker',
  package: 'graphile-worker',
  durability: 'PostgreSQL, fsync and synchronous_commit on; finished jobs are deleted, no result is kept',
  settings: [
    `localQueue ${tuning.localQueue}, completeJobBatchDelay ${tuning.completeJobBatchDelay}`,
    `${tuning.concurrency} jobs at once`,
    `add_jobs with ${tuning.batch}`,
    'without both where latency is measured alone',
  ],
  async turn(folder, shape) {
    const postgres = await PrivatePostgres.start(folder);
    const store = postgresStore(postgres);
    const figures = await turnOfJobs({ folder, application: APPLICATION, options: tuning, store }, shape);
    await postgres.stop();
    return figures;
  },
};
