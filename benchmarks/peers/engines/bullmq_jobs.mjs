import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuSecondsOfTree, start, stop, until } from '../processes.mjs';
import { turnOfJobs } from './jobs_on_store.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const APPLICATION = path('../apps/bullmq_jobs_app.mjs');
/// Where `run` unpacks Debian's package when no redis-server is installed.
const UNPACKED = path('../node_modules/.redis/usr/bin/redis-server');
const tuning = { concurrency: 100, workers: 2, batch: 1000, keep: 1_000_000, ...JSON.parse(process.env.PEERS_BULLMQ ?? '{}') };

function serverProgram() {
  if (existsSync(UNPACKED)) return UNPACKED;
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if (existsSync(join(folder, 'redis-server'))) return join(folder, 'redis-server');
  }
  throw new Error('redis-server is not there');
}

/// BullMQ on Debian's redis-server, which flushes its append-only file before it answers (`appendfsync always`): the
/// only setting under which an acknowledged job survives a crash of the machine.
export const bullmqJobs = {
  key: 'bullmq',
  title: 'BullMQ',
  package: 'bullmq',
  durability: 'Redis, append-only file, appendfsync always; finished jobs are kept',
  settings: [`addBulk with ${tuning.batch}`, `${tuning.workers} workers with ${tuning.concurrency} jobs at once`, 'a Unix socket'],

  async turn(folder, shape) {
    const socket = join(folder, 'redis.sock');
    const libraries = path('../node_modules/.redis/usr/lib');
    const server = start(
      serverProgram(),
      ['--port', '0', '--unixsocket', socket, '--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      {
        log: join(folder, 'redis.log'),
        env: { LD_LIBRARY_PATH: `${libraries}/x86_64-linux-gnu:${libraries}/aarch64-linux-gnu` },
      },
    );
    await until('the start of Redis', 20, () => existsSync(socket));
    const store = { options: { socket }, cpuSeconds: () => cpuSecondsOfTree(server.pid) };
    const figures = await turnOfJobs({ folder, application: APPLICATION, options: tuning, store }, shape);
    await stop(server);
    return figures;
  },
};
