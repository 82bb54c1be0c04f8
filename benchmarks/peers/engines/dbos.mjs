import { fileURLToPath } from 'node:url';
import { turnOfLibrary } from './library_on_postgres.mjs';

const APPLICATION = fileURLToPath(new URL('../apps/dbos_app.mjs', import.meta.url));
const tuning = { poolSize: 20, inFlight: 200, ...JSON.parse(process.env.PEERS_DBOS ?? '{}') };

/// DBOS Transact. Workflows are started in process (its documentation's fastest path: no queue, no polling), several
/// hundred at once, over a connection pool of 20 instead of 10.
export const dbos = {
  key: 'dbos',
  title: 'DBOS Transact',
  package: '@dbos-inc/dbos-sdk',
  durability: 'PostgreSQL, fsync and synchronous_commit on; a transaction per checkpoint',
  settings: [
    `connection pool ${tuning.poolSize}`,
    `${tuning.inFlight} workflows in flight`,
    'started in process, without a queue',
  ],
  turn: (folder, shape) =>
    turnOfLibrary(
      {
        folder,
        application: APPLICATION,
        options: { poolSize: tuning.poolSize },
        inFlight: tuning.inFlight,
        latencyScenarios: ['pickup-latency', 'signal-latency'],
      },
      shape,
    ),
};
