/// Runs every engine in turn, round by round, and prints the medians. See README.md.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dbos } from './engines/dbos.mjs';
import { orchestrator } from './engines/orchestrator.mjs';
import { pgboss } from './engines/pgboss.mjs';
import { restate } from './engines/restate.mjs';
import { endAll } from './processes.mjs';
import { medians, tables } from './report.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = resolve(HERE, '../..');
const TMPFS = 0x01021994;
/// A turn may take its load, the waiting runs that it finishes afterwards, and this much for starts and stops.
const TURN_PATIENCE_SECONDS = 90;

const USAGE = `benchmarks/peers/run [options]: our engine and its peers on this machine, alternating

  --seconds N    load of each throughput turn (default 10)
  --rounds N     turns of each engine (default 3)
  --only NAMES   comma-separated of orchestrator,dbos,restate,pg-boss (default all)
  --binary FILE  our program (default build/release/bin/orchestrator)
  --folder DIR   where databases are made, on a real disk (default ${tmpdir()})
  --output FILE  the figures as JSON (default build/peers.json)
  --keep         leave databases and logs where they are
`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '10' },
        rounds: { type: 'string', default: '3' },
        only: { type: 'string' },
        binary: { type: 'string', default: join(REPOSITORY, 'build/release/bin/orchestrator') },
        folder: { type: 'string', default: tmpdir() },
        output: { type: 'string', default: join(REPOSITORY, 'build/peers.json') },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const inRange = (name, low, high) => {
      const value = Number(values[name]);
      if (Number.isInteger(value) && value >= low && value <= high) return value;
      throw new Error(`--${name} is a number from ${low} to ${high}`);
    };
    return { ...values, seconds: inRange('seconds', 1, 600), rounds: inRange('rounds', 1, 50) };
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
  const { seconds, rounds, only, binary, folder, output, keep } = options();
  if (!existsSync(binary)) throw new Error(`${binary} is not there: cmake --preset release && cmake --build --preset release`);
  if (statfsSync(folder).type === TMPFS) throw new Error(`${folder} is in memory, where fsync costs nothing: use --folder`);
  const wanted = only?.split(',');
  const engines = [orchestrator(resolve(binary)), dbos, restate, pgboss].filter(({ key }) => !wanted || wanted.includes(key));
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

  const shape = { seconds, latencySeconds: Math.min(5, seconds), rate: 100, warmUpSeconds: Math.min(2, seconds) };
  const turns = new Map(engines.map((engine) => [engine, []]));
  const failures = [];
  for (let round = 1; round <= rounds; ++round) {
    for (const engine of engines) {
      const place = join(base, `${engine.key}-${round}`);
      mkdirSync(place, { mode: 0o711 });
      process.stderr.write(`round ${round} of ${rounds}: ${engine.title} `);
      try {
        const figures = await withDeadline(2 * seconds + TURN_PATIENCE_SECONDS, engine.turn(place, shape));
        turns.get(engine).push(figures);
        process.stderr.write(`${Math.round(figures['workflow-5-steps'].steps_per_second)} steps/s\n`);
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
  const document = { measured_at: new Date().toISOString(), seconds, rounds, shape, machine, engines: results, failures };
  writeFileSync(output, `${JSON.stringify(document, null, 2)}\n`);
  process.stdout.write(`\n${tables(results)}\n\nfigures: ${output}\n`);
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
