import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { holdSnapshot } from '../postgres.mjs';
import { ask, freePort, run, start, stop, until } from '../processes.mjs';
import { startReady } from './jobs_on_store.mjs';

const CALLER = fileURLToPath(new URL('../apps/orchestrator_jobs_app.mjs', import.meta.url));

/// Ours: `orchestrator dev` as it comes, driven over HTTP by `orchestrator bench` from a process of its own.
/// `binary` is the program's path. A scenario that this build's `bench` does not offer is left out.
export function orchestratorJobs(binary) {
  return {
    key: 'orchestrator',
    title: 'orchestrator',
    durability: 'PostgreSQL, fsync and synchronous_commit on; a transaction per group of jobs; state and result are kept',
    settings: ['defaults', 'over HTTP, with the batches of bench'],

    async turn(folder, shape) {
      const port = await freePort();
      const key = 'key-of-a-private-measurement';
      const url = `http://127.0.0.1:${port}`;
      const log = join(folder, 'orchestrator.log');
      const env = {
        ORCHESTRATOR_DATA_DIR: folder,
        ORCHESTRATOR_LISTEN: `127.0.0.1:${port}`,
        ORCHESTRATOR_ADMIN_KEY: key,
        ORCHESTRATOR_NODE_ID: 'peers',
        ORCHESTRATOR_WORKFLOWS_DIR: join(folder, 'no-workflows'),
      };
      const server = start(binary, ['dev'], { log, env });
      await until('the start of the server', 60, async () => (await fetch(`${url}/readyz`)).ok);
      const database = readFileSync(join(folder, 'database-url'), 'utf8').trim();
      const offered = await run(binary, ['bench', '--help'], { log });
      const bench = async (scenario, duration, rest = []) => {
        if (!offered.includes(scenario)) return undefined;
        const args = ['bench', scenario, '--url', url, '--duration', String(Math.ceil(duration)), '-o', 'json', ...rest];
        args.push('--database-url', database);
        return JSON.parse(await run(binary, args, { log, env: { ORCHESTRATOR_API_KEY: key } }));
      };

      const figures = {};
      await bench('jobs-enqueue', shape.warmUpSeconds);
      const pickup = await bench('pickup-latency', shape.latencySeconds, ['--rate', String(shape.rate)]);
      if (pickup) figures['pickup-latency'] = { start_ms: { p50: pickup.p50_ms, p99: pickup.p99_ms, max: pickup.max_ms } };
      const single = await bench('starts', shape.latencySeconds, ['--concurrency', String(shape.callers)]);
      if (single) {
        const perSecond = single.runs_per_second ?? single.jobs_per_second;
        figures['single-enqueue'] = { jobs_per_second: perSecond, call_ms: { p50: single.p50_ms, p99: single.p99_ms } };
      }
      const drain = await bench('jobs-drain', shape.keepUpSeconds);
      if (drain) figures['jobs-drain'] = { jobs_per_second: drain.jobs_per_second };
      const load = await bench('jobs-enqueue', shape.keepUpSeconds);
      if (load) {
        figures['jobs-enqueue'] = {
          jobs_per_second: load.jobs_per_second,
          last_jobs_per_second: load.last_jobs_per_second,
          engine_cpu_us_per_job: load.server_cpu_us_per_op,
          store_cpu_us_per_job: load.postgres_cpu_us_per_op,
        };
      }
      const caller = await startReady(CALLER, { url, key }, log);
      const release = await holdSnapshot({ connectionString: database });
      figures['held-snapshot'] = await ask(caller, {
        scenario: 'held-snapshot',
        seconds: shape.heldSeconds,
        rate: shape.heldRate,
      });
      await release();
      await stop(caller);
      await stop(server);
      return figures;
    },
  };
}
