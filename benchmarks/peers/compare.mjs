/// Runs every engine of a suite in turn, round by round, and prints the medians. See README.md.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bullmqJobs } from './engines/bullmq_jobs.mjs';
import { dbos } from './engines/dbos.mjs';
import { graphileJobs } from './engines/graphile_jobs.mjs';
import { orchestrator } from './engines/orchestrator.mjs';
import { orchestratorJobs } from './engines/orchestrator_jobs.mjs';
import { pgboss } from './engines/pgboss.mjs';
import { pgbossJobs } from './engines/pgboss_jobs.mjs';
import { restate } from './engines/restate.mjs';
import { endAll } from './processes.mjs';
import { jobTables } from './job_report.mjs';
import { medians, tables } from './report.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = resolve(HERE, '../..');
const TMPFS = 0x01021994;
/// A turn may take its load, the waiting runs that it finishes afterwards, and this much for starts and stops.
const TURN_PATIENCE_SECONDS = 90;
/// Of the suite jobs, whose turns drain a queue as well.
const JOB_TURN_PATIENCE_SECONDS = 300;

/// What is compared: engines, and how a table of their figures looks. `headline` is what a turn's line shows.
const SUITES = {
  workflows: {
    engines: (binary) => [orchestrator(binary), dbos, restate, pgboss],
    tables,
    headline: (figures) => `${Math.round(figures['workflow-5-steps'].steps_per_second)} steps/s`,
    patienceSeconds: (shape) => 2 * shape.seconds + TURN_PATIENCE_SECONDS,
  },
  jobs: {
    engines: (binary) => [orchestratorJobs(binary), graphileJobs, pgbossJobs, bullmqJobs],
    tables: jobTables,
    headline: (figures) => `${Math.round(figures['jobs-drain']?.jobs_per_second ?? 0)} jobs/s drained`,
    patienceSeconds: (shape) => 2 * (shape.keepUpSeconds + shape.heldSeconds) + JOB_TURN_PATIENCE_SECONDS,
  },
};

const USAGE = `benchmarks/peers/run [options]: our engine and its peers on this machine, alternating

  --suite NAME   workflows (default) or jobs
  --seconds N    load of each throughput turn (default 10; jobs 60)
  --held N       seconds at 2 000 jobs/s beside a held snapshot (jobs; default 60)
  --jobs N       jobs that are drained (jobs; default 50000)
  --rounds N     turns of each engine (default 3)
  --only NAMES   comma-separated of orchestrator,dbos,restate,pg-boss, or of
                 orchestrator,graphile-worker,pg-boss,bullmq (default all)
  --binary FILE  our program (default build/release/bin/orchestrator)
  --folder DIR   where databases are made, on a real disk (default ${tmpdir()})
  --output FILE  the figures as JSON (default build/peers.json, build/peers-jobs.json)
  --keep         leave databases and logs where they are
`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        suite: { type: 'string', default: 'workflows' },
        seconds: { type: 'string' },
        held: { type: 'string', default: '60' },
        jobs: { type: 'string', default: '50000' },
        rounds: { type: 'string', default: '3' },
        only: { type: 'string' },
        binary: { type: 'string', default: join(REPOSITORY, 'build/release/bin/orchestrator') },
        folder: { type: 'string', default: tmpdir() },
        output: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (!(values.suite in SUITES)) throw new Error(`--suite is one of ${Object.keys(SUITES).join(', ')}`);
    const isJobs = values.suite === 'jobs';
    values.seconds ??= isJobs ? '60' : '10';
    values.output ??= join(REPOSITORY, isJobs ? 'build/peers-jobs.json' : 'build/peers.json');
    const inRange = (name, low, high) => {
      const value = Number(values[name]);
      if (Number.isInteger(value) && value >= low && value <= high) return value;
      throw new Error(`--${name} is a number from ${low} to ${high}`);
    };
    return {
      ...values,
      seconds: inRange('seconds', 1, 600),
      rounds: inRange('rounds', 1, 50),
      held: inRange('held', 5, 3600),
      jobs: inRange('jobs', 1000, 10_000_000),
    };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function versionOf({ package: name }) {
  if (!name) return 'of this repository';
  return JSON.parse(readFileSync(join(HERE, 'node_modules', name, 'package.json'), 'utf8')).version;
}

async function withDeadline(seconds, work) {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not finish within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

async function main() {
  const { suite: suiteName, seconds, rounds, held, jobs, only, binary, folder, output, keep } = options();
  const suite = SUITES[suiteName];
  if (!existsSync(binary)) throw new Error(`${binary} is not there: cmake --preset release && cmake --build --preset release`);
  if (statfsSync(folder).type === TMPFS) throw new Error(`${folder} is in memory, where fsync costs nothing: use --folder`);
  const wanted = only?.split(',');
  const engines = suite.engines(resolve(binary)).filter(({ key }) => !wanted || wanted.includes(key));
  if (engines.length === 0) throw new Error(`--only names none of the engines`);

  const base = mkdtempSync(join(folder, 'orchestrator-peers-'));
  // The databases' own user passes through.
  chmodSync(base, 0o711);
  process.on('exit', () => {
    endAll();
    if (keep) process.stderr.write(`databases and logs are in ${base}\n`);
    else rmSync(base, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

  const common = { seconds, latencySeconds: Math.min(5, seconds), rate: 100, warmUpSeconds: Math.min(2, seconds) };
  const ofJobs = { jobs, keepUpSeconds: seconds, backlog: 20_000, callers: 16, heldSeconds: held, heldRate: 2000 };
  const shape = suiteName === 'jobs' ? { ...common, ...ofJobs } : common;
  const turns = new Map(engines.map((engine) => [engine, []]));
  const failures = [];
  for (let round = 1; round <= rounds; ++round) {
    for (const engine of engines) {
      const place = join(base, `${engine.key}-${round}`);
      mkdirSync(place, { mode: 0o711 });
      process.stderr.write(`round ${round} of ${rounds}: ${engine.title} `);
      try {
        const figures = await withDeadline(suite.patienceSeconds(shape), engine.turn(place, shape));
        turns.get(engine).push(figures);
        process.stderr.write(`${suite.headline(figures)}\n`);
      } catch (error) {
        endAll();
        failures.push(`${engine.title}, round ${round}: ${error.message}`);
        process.stderr.write(`failed: ${error.message}\n`);
      }
      if (!keep && failures.length === 0) rmSync(place, { recursive: true, force: true });
    }
  }

  const results = engines.map((engine) => ({
    key: engine.key,
    title: engine.title,
    version: versionOf(engine),
    durability: engine.durability,
    settings: engine.settings,
    medians: medians(turns.get(engine)),
    rounds: turns.get(engine),
  }));
  const machine = {
    processor: cpus()[0].model,
    cores: cpus().length,
    memory_bytes: totalmem(),
    kernel: execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim(),
    node: process.version,
  };
  mkdirSync(dirname(output), { recursive: true });
  const document = { suite: suiteName, measured_at: new Date().toISOString(), seconds, rounds, shape, machine, engines: results, failures };
  writeFileSync(output, `${JSON.stringify(document, null, 2)}\n`);
  process.stdout.write(`\n${suite.tables(results)}\n\nfigures: ${output}\n`);
  if (failures.length > 0) {
    process.stderr.write(`\n${failures.join('\n')}\n`);
    process.exitCode = 1;
  }
}

main().then(
  () => process.exit(),
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
