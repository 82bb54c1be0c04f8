import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, run, start, stop, until } from '../processes.mjs';

/// Ours: `orchestrator dev` as it comes, driven by `orchestrator bench` from a process of its own.
/// `binary` is the program's path.
export function orchestrator(binary) {
  return {
    key: 'orchestrator',
    title: 'orchestrator',
    durability: 'PostgreSQL, fsync and synchronous_commit on; a transaction per group of steps',
    settings: ['defaults', '4 000 runs in flight, batches of 500 (the defaults of bench)'],

    async turn(folder, { seconds, latencySeconds, rate, warmUpSeconds }) {
      const port = await freePort();
      const key = randomBytes(24).toString('hex');
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
      const bench = async (scenario, duration) => {
        const args = ['bench', scenario, '--url', url, '--duration', String(Math.ceil(duration)), '-o', 'json'];
        args.push('--rate', String(rate), '--database-url', database);
        return JSON.parse(await run(binary, args, { log, env: { ORCHESTRATOR_API_KEY: key } }));
      };

      const figures = {};
      await bench('workflow-5-steps', warmUpSeconds);
      for (const scenario of ['pickup-latency', 'signal-latency']) {
        const { operations, errors, p50_ms, p99_ms, max_ms } = await bench(scenario, latencySeconds);
        figures[scenario] = { operations, errors, start_ms: { p50: p50_ms, p99: p99_ms, max: max_ms }, answer_ms: null };
      }
      const load = await bench('workflow-5-steps', seconds);
      figures['workflow-5-steps'] = {
        steps_per_second: load.steps_per_second,
        errors: load.errors,
        engine_cpu_us_per_step: load.server_cpu_us_per_op,
        postgres_cpu_us_per_step: load.postgres_cpu_us_per_op,
        wal_bytes_per_step: load.wal_bytes_per_op,
        rows_per_step: load.rows_per_op,
        commits_per_step: load.commits_per_op,
      };
      await stop(server);
      return figures;
    },
  };
}
