/// The tables of the suite jobs.

import { number, table } from './report.mjs';

const pair = (value) => (value?.p50 == null ? '-' : `${number(value.p50, 1)} / ${number(value.p99, 1)}`);

/// `engines` are {title, durability, settings, version, medians}, ours first. CPU is in microseconds per job.
export function jobTables(engines) {
  const of = ({ medians }, scenario) => medians[scenario] ?? {};
  const drained = (engine) => of(engine, 'jobs-drain').jobs_per_second;
  const throughput = engines.map((engine) => {
    const kept = of(engine, 'jobs-enqueue');
    const ratio = drained(engine) && drained(engines[0]) ? `${number(drained(engines[0]) / drained(engine), 1)} x` : '-';
    return [
      engine.title,
      number(drained(engine), 0),
      ratio,
      number(kept.jobs_per_second, 0),
      number(kept.last_jobs_per_second, 0),
      number(kept.engine_cpu_us_per_job, 1),
      number(kept.store_cpu_us_per_job, 1),
    ];
  });
  const calls = engines.map((engine) => [
    engine.title,
    number(of(engine, 'single-enqueue').jobs_per_second, 0),
    pair(of(engine, 'single-enqueue').call_ms),
    pair(of(engine, 'pickup-latency').start_ms),
  ]);
  const held = engines.map((engine) => {
    const { first, last } = of(engine, 'held-snapshot');
    const share = first && last ? `${number((100 * last.jobs_per_second) / first.jobs_per_second, 0)} %` : '-';
    return [
      engine.title,
      number(first?.jobs_per_second, 0),
      number(last?.jobs_per_second, 0),
      share,
      pair(first?.start_ms),
      pair(last?.start_ms),
    ];
  });
  const settings = engines.map((engine) => [
    `${engine.title} ${engine.version}`,
    engine.durability,
    engine.settings.join('; '),
  ]);
  const heads = ['drained/s', 'ours is', 'kept up/s', 'last 10 s', 'engine CPU per job', 'store CPU per job'];
  return [
    table(['no-op jobs', ...heads], throughput),
    table(['p50 / p99 ms', 'single enqueues/s, 16 callers', 'their calls', 'call to handler start at 100/s'], calls),
    table(['snapshot held, 2 000 jobs/s', 'first fifth/s', 'last fifth/s', 'of it', 'start, first', 'start, last'], held),
    table(['engine', 'durability', 'settings'], settings, '---'),
  ].join('\n\n');
}
