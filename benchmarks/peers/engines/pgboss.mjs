import { fileURLToPath } from 'node:url';
import { turnOfLibrary } from './library_on_postgres.mjs';

const APPLICATION = fileURLToPath(new URL('../apps/pgboss_app.mjs', import.meta.url));
const tuning = { batchSize: 1000, workers: 4, inFlight: 20_000, poolSize: 12, ...JSON.parse(process.env.PEERS_PGBOSS ?? '{}') };

/// pg-boss, a queue: a chain of five jobs stands in for a workflow of five steps. A chain has no history of its own, no
/// signals, and nobody knows it as one thing; the guarantee is one job at a time.
export const pgboss = {
  key: 'pg-boss',
  title: 'pg-boss (chains of 5 jobs)',
  package: 'pg-boss',
  durability: 'PostgreSQL, fsync and synchronous_commit on; a transaction per batch of jobs',
  settings: [
    `batches of ${tuning.batchSize}`,
    `${tuning.workers} workers with burstWhenBatchFull`,
    'transactional workers',
    'a partition for the queue',
    'LISTEN/NOTIFY for the latency queue only',
  ],
  turn: (folder, shape) =>
    turnOfLibrary(
      {
        folder,
        application: APPLICATION,
        options: { ...tuning, useNotify: true },
        inFlight: tuning.inFlight,
        latencyScenarios: ['pickup-latency'],
      },
      shape,
    ),
};
