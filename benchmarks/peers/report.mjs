/// Medians over the rounds, and the table that a person reads.

const COLUMNS = [
  { head: 'steps/s', of: 'workflow-5-steps', member: 'steps_per_second', digits: 0 },
  { head: 'engine CPU', of: 'workflow-5-steps', member: 'engine_cpu_us_per_step', digits: 1 },
  { head: 'app CPU', of: 'workflow-5-steps', member: 'application_cpu_us_per_step', digits: 1 },
  { head: 'Postgres CPU', of: 'workflow-5-steps', member: 'postgres_cpu_us_per_step', digits: 1 },
  { head: 'WAL bytes', of: 'workflow-5-steps', member: 'wal_bytes_per_step', digits: 0 },
  { head: 'rows', of: 'workflow-5-steps', member: 'rows_per_step', digits: 2 },
  { head: 'commits', of: 'workflow-5-steps', member: 'commits_per_step', digits: 4 },
];
const LATENCIES = [
  { head: 'call to handler start', of: 'pickup-latency', member: 'start_ms' },
  { head: 'call to answer', of: 'pickup-latency', member: 'answer_ms' },
  { head: 'signal to step start', of: 'signal-latency', member: 'start_ms' },
  { head: 'signal to answer', of: 'signal-latency', member: 'answer_ms' },
];

function median(values) {
  const known = values.filter((value) => typeof value === 'number' && Number.isFinite(value)).sort((a, b) => a - b);
  if (known.length === 0) return null;
  const middle = Math.floor(known.length / 2);
  return known.length % 2 === 1 ? known[middle] : (known[middle - 1] + known[middle]) / 2;
}

/// The median of every number at the same place; a member that is missing in a round does not count there.
export function medians(rounds) {
  const names = new Set(rounds.flatMap((round) => Object.keys(round ?? {})));
  const result = {};
  for (const name of names) {
    const values = rounds.map((round) => round?.[name]);
    result[name] = values.some((value) => value !== null && typeof value === 'object')
      ? medians(values.filter((value) => value))
      : median(values);
  }
  return result;
}

export const number = (value, digits) =>
  value === null || value === undefined
    ? '-'
    : value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ' ');

export function table(head, rows, rule = '---:') {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : rule))), ...rows.map(line)].join('\n');
}

/// `engines` are {title, durability, settings, version, medians}, ours first. CPU is in microseconds per step.
export function tables(engines) {
  const ours = engines[0].medians['workflow-5-steps']?.steps_per_second;
  const throughput = engines.map((engine) => {
    const cells = COLUMNS.map(({ of, member, digits }) => number(engine.medians[of]?.[member], digits));
    const theirs = engine.medians['workflow-5-steps']?.steps_per_second;
    const ratio = theirs && ours ? `${number(ours / theirs, 1)} x` : '-';
    return [engine.title, cells[0], ratio, ...cells.slice(1)];
  });
  const latencies = engines.map((engine) => [
    engine.title,
    ...LATENCIES.map(({ of, member }) => {
      const found = engine.medians[of]?.[member];
      return found && found.p50 !== null ? `${number(found.p50, 1)} / ${number(found.p99, 1)}` : '-';
    }),
  ]);
  const settings = engines.map((engine) => [
    `${engine.title} ${engine.version}`,
    engine.durability,
    engine.settings.join('; '),
  ]);
  const heads = COLUMNS.map(({ head }) => head);
  return [
    table(['workflow of 5 steps; per step', heads[0], 'ours is', ...heads.slice(1)], throughput),
    table(['100/s, p50 / p99 ms', ...LATENCIES.map(({ head }) => head)], latencies),
    table(['engine', 'durability', 'settings'], settings, '---'),
  ].join('\n\n');
}
