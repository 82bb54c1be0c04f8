/// A turn of an engine that is a library in the application's process and keeps its state in PostgreSQL.

import { join } from 'node:path';
import { PrivatePostgres } from '../postgres.mjs';
import { ask, cpuSecondsOfTree, startApplication, stop } from '../processes.mjs';

async function startReady(application, options, log) {
  const child = startApplication(application, [JSON.stringify(options)], { log });
  const ready = new Promise((resolve) => child.once('message', resolve));
  const ended = child.ended.then(() => Promise.reject(new Error(`it did not start; see ${log}`)));
  ended.catch(() => {});
  await Promise.race([ready, ended]);
  return child;
}

/// Runs the scenarios one after the other on a fresh database, the quiet ones first. The processor time of the
/// application is the engine's, the steps' and the caller's together: they are one process.
export async function turnOfLibrary({ folder, application, options, inFlight, latencyScenarios }, shape) {
  const postgres = await PrivatePostgres.start(folder);
  const log = join(folder, 'application.log');
  const figures = {};
  const child = await startReady(application, { ...options, connection: postgres.connection(), name: 'app' }, log);
  const { seconds, latencySeconds, rate, warmUpSeconds } = shape;
  await ask(child, { scenario: 'workflow-5-steps', seconds: warmUpSeconds, inFlight });
  for (const scenario of latencyScenarios) {
    figures[scenario] = await ask(child, { scenario, seconds: latencySeconds, rate });
  }

  const before = { counters: await postgres.counters(), postgres: postgres.cpuSeconds(), cpu: cpuSecondsOfTree(child.pid) };
  const load = await ask(child, { scenario: 'workflow-5-steps', seconds, inFlight });
  const cpu = { engine: cpuSecondsOfTree(child.pid) - before.cpu, postgres: postgres.cpuSeconds() - before.postgres };
  await ask(child, { scenario: 'stop' });
  await stop(child);
  const after = await postgres.counters();

  const perStep = (value) => value / load.steps;
  figures['workflow-5-steps'] = {
    steps_per_second: load.steps / load.seconds,
    errors: load.errors,
    engine_cpu_us_per_step: perStep(cpu.engine * 1e6),
    postgres_cpu_us_per_step: perStep(cpu.postgres * 1e6),
    wal_bytes_per_step: perStep(after.wal_bytes - before.counters.wal_bytes),
    rows_per_step: perStep(after.rows_written - before.counters.rows_written),
    commits_per_step: perStep(after.commits - before.counters.commits),
  };
  await postgres.stop();
  return figures;
}
