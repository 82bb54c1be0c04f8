/// A turn of a job queue that is a library in the application's process and keeps its jobs in a store beside it.

import { join } from 'node:path';
import { ask, cpuSecondsOfTree, startApplication, stop } from '../processes.mjs';

export async function startReady(application, options, log) {
  const child = startApplication(application, [JSON.stringify(options)], { log });
  const ready = new Promise((resolve) => child.once('message', resolve));
  const ended = child.ended.then(() => Promise.reject(new Error(`it did not start; see ${log}`)));
  ended.catch(() => {});
  await Promise.race([ready, ended]);
  return child;
}

/// `store` is {options, cpuSeconds(), holdSnapshot?()}: what the application is told to connect, and what
/// the store used. Scenarios that the store has no meaning for are left out. The processor time of the application is
/// the engine's, the handlers' and the caller's together: they are one process.
export async function turnOfJobs({ folder, application, options, store }, shape) {
  const log = join(folder, 'application.log');
  const child = await startReady(application, { ...options, ...store.options }, log);
  const { jobs, keepUpSeconds, latencySeconds, rate, heldSeconds, heldRate, backlog } = shape;
  const figures = {};
  await ask(child, { scenario: 'jobs-enqueue', seconds: shape.warmUpSeconds, backlog });
  figures['pickup-latency'] = await ask(child, { scenario: 'pickup-latency', seconds: latencySeconds, rate });
  figures['single-enqueue'] = perSecond(
    await ask(child, { scenario: 'single-enqueue', seconds: latencySeconds, inFlight: shape.callers }),
  );
  figures['jobs-drain'] = perSecond(await ask(child, { scenario: 'jobs-drain', count: jobs }));

  const before = { store: store.cpuSeconds(), engine: cpuSecondsOfTree(child.pid) };
  const load = await ask(child, { scenario: 'jobs-enqueue', seconds: keepUpSeconds, backlog });
  const perJob = (value) => value / load.jobs;
  figures['jobs-enqueue'] = {
    ...perSecond(load),
    engine_cpu_us_per_job: perJob((cpuSecondsOfTree(child.pid) - before.engine) * 1e6),
    store_cpu_us_per_job: perJob((store.cpuSeconds() - before.store) * 1e6),
  };
  if (store.holdSnapshot) {
    const release = await store.holdSnapshot();
    figures['held-snapshot'] = await ask(child, { scenario: 'held-snapshot', seconds: heldSeconds, rate: heldRate });
    await release();
  }
  await ask(child, { scenario: 'stop' });
  await stop(child);
  return figures;
}

function perSecond({ jobs, seconds, ...rest }) {
  return { jobs_per_second: jobs / seconds, jobs, seconds, ...rest };
}

/// The store of libraries on PostgreSQL.
export function postgresStore(postgres) {
  return {
    options: { connection: postgres.connection() },
    cpuSeconds: () => postgres.cpuSeconds(),
    holdSnapshot: () => postgres.holdSnapshot(),
  };
}
