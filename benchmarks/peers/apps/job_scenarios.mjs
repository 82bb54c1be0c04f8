/// The job scenarios, over an adapter of the library under test. Used by the applications `*_jobs_app.mjs`.
///
/// adapter.enqueueMany(count)   enqueues no-op jobs as one batch, the fastest way the library has
/// adapter.enqueueOne(id)       enqueues one job whose start is told to `onStart(id)`
/// adapter.enqueueIdle()        enqueues one job that nobody works on
/// adapter.work(onStart)        starts the workers; returns a function that stops them
/// adapter.settled()            how many jobs of enqueueMany() and enqueueOne() are over, as the store says
/// adapter.batch                jobs of one call of enqueueMany()
/// adapter.tune(scenario)       optional: called before each scenario
/// adapter.begun()              optional: how many jobs began, where `onStart` is not told of all of them

import { now, openLoop, percentiles, serveScenarios, signpost } from './load.mjs';

export { now };

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/// Jobs of one tick of a paced load come as one batch.
const TICKS_PER_SECOND = 100;
/// Of a held snapshot's time: how much of it is the beginning, and how much the end.
const WINDOW_SHARE = 0.2;

export function serveJobScenarios(adapter, close) {
  let begun = 0;
  let onProgress = () => {};
  const starts = new Map();
  const onStart = (id, at = now()) => {
    ++begun;
    if (id !== undefined && id !== null) starts.get(id)?.reach(at);
    onProgress();
  };

  /// Until the store says that `count` more jobs than `before` are over.
  async function settled(before, count) {
    while ((await adapter.settled()) - before < count) await sleep(5);
  }

  async function begunAtLeast(count) {
    while (begun < count) {
      const progress = signpost();
      onProgress = progress.reach;
      await progress.reached;
    }
    onProgress = () => {};
  }

  async function drain({ count }) {
    const before = await adapter.settled();
    for (let enqueued = 0; enqueued < count; enqueued += adapter.batch) {
      await adapter.enqueueMany(Math.min(adapter.batch, count - enqueued));
    }
    begun = 0;
    const started = now();
    const stop = await adapter.work(onStart);
    await begunAtLeast(count);
    await settled(before, count);
    const seconds = (now() - started) / 1000;
    await stop();
    return { jobs: count, seconds };
  }

  async function keepUp({ seconds, backlog }) {
    const before = await adapter.settled();
    begun = 0;
    let enqueued = 0;
    const stop = await adapter.work(onStart);
    const started = now();
    const end = started + seconds * 1000;
    let atWindow;
    while (now() < end) {
      if (atWindow === undefined && now() > end - 1000 * Math.min(10, seconds / 2)) atWindow = { at: now(), begun };
      if (enqueued + adapter.batch - begun > backlog) {
        await begunAtLeast(enqueued + adapter.batch - backlog);
        continue;
      }
      await adapter.enqueueMany(adapter.batch);
      enqueued += adapter.batch;
    }
    const last = { jobs: begun - atWindow.begun, seconds: (now() - atWindow.at) / 1000 };
    await begunAtLeast(enqueued);
    await settled(before, enqueued);
    const result = { jobs: enqueued, seconds: (now() - started) / 1000, last_jobs_per_second: last.jobs / last.seconds };
    await stop();
    return result;
  }

  async function single({ seconds, inFlight }) {
    const latencies = [];
    const started = now();
    const end = started + seconds * 1000;
    const lane = async () => {
      while (now() < end) {
        const asked = now();
        await adapter.enqueueIdle();
        latencies.push(now() - asked);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    const jobs = latencies.length;
    return { jobs, seconds: (now() - started) / 1000, call_ms: percentiles(latencies) };
  }

  async function pickup(request) {
    const stop = await adapter.work(onStart);
    const result = await openLoop(request, async (index) => {
      const id = `p${index}`;
      const began = signpost();
      starts.set(id, began);
      await adapter.enqueueOne(id);
      const start = await began.reached;
      starts.delete(id);
      return { start };
    });
    await stop();
    return result;
  }

  /// A load at a fixed rate, in small batches; one job of each tells when it began. The parent holds the snapshot.
  async function paced({ seconds, rate }) {
    const stop = await adapter.work(onStart);
    const count = async () => (adapter.begun ? adapter.begun() : begun);
    const perTick = Math.max(1, Math.round(rate / TICKS_PER_SECOND));
    const probes = [];
    const rates = [];
    const open = [];
    begun = 0;
    const started = now();
    for (let tick = 0; tick < seconds * TICKS_PER_SECOND; ++tick) {
      const moment = started + (tick * 1000) / TICKS_PER_SECOND;
      while (now() < moment) await sleep(Math.max(0, moment - now()));
      if (tick % TICKS_PER_SECOND === 0) rates.push(await count());
      const id = `h${tick}`;
      const began = signpost();
      starts.set(id, began);
      const calls = [adapter.enqueueOne(id), perTick > 1 && adapter.enqueueMany(perTick - 1)];
      open.push(Promise.all(calls));
      open.push(began.reached.then((at) => probes.push({ moment, latency: at - moment })));
    }
    rates.push(await count());
    await Promise.all(open);
    await stop();
    const window = Math.max(1, Math.floor(rates.length * WINDOW_SHARE));
    const from = (low, high) =>
      percentiles(probes.filter(({ moment }) => moment >= low && moment < high).map(({ latency }) => latency));
    const end = started + seconds * 1000;
    const span = seconds * 1000 * WINDOW_SHARE;
    return {
      first: { jobs_per_second: (rates[window] - rates[0]) / window, start_ms: from(started, started + span) },
      last: {
        jobs_per_second: (rates.at(-1) - rates.at(-1 - window)) / window,
        start_ms: from(end - span, end),
      },
    };
  }

  const scenarios = {
    'jobs-drain': drain,
    'jobs-enqueue': keepUp,
    'single-enqueue': single,
    'pickup-latency': pickup,
    'held-snapshot': paced,
  };
  const tuned = Object.entries(scenarios).map(([name, scenario]) => [
    name,
    (request) => {
      adapter.tune?.(name);
      return scenario(request);
    },
  ]);
  serveScenarios({ ...Object.fromEntries(tuned), stop: close });
  process.send({ ready: true });
}
