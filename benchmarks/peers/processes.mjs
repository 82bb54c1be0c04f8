/// Child processes of a measurement: started in groups of their own, always ended, and their processor time.

import { fork, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/// Clock ticks of /proc/<pid>/stat are 1/100 s on every Linux that Node supports.
const TICKS_PER_SECOND = 100;
const STOP_PATIENCE_MS = 20_000;

/// Everything that was started and has not ended; endAll() takes care of it whatever happens.
const alive = new Set();

function track(child) {
  alive.add(child);
  child.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  child.ended.then(() => alive.delete(child));
  child.on('error', () => alive.delete(child));
  return child;
}

/// Starts a program in a process group of its own; what it prints goes to `log`.
/// `user` is {uid, gid} to run as another user, or nothing.
export function start(program, args, { log, env = {}, cwd, user } = {}) {
  const output = openSync(log, 'a');
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true,
    ...(user ?? {}),
  });
  closeSync(output);
  return track(child);
}

/// Starts one of our applications and lets it talk to this process by messages.
export function startApplication(path, args, { log, env = {} }) {
  const output = openSync(log, 'a');
  const child = fork(path, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output, 'ipc'],
    detached: true,
  });
  closeSync(output);
  return track(child);
}

/// Sends `request` and waits for its answer; an application answers {error} or {result}.
export async function ask(child, request) {
  const answer = new Promise((resolve) => {
    const onMessage = (message) => {
      if (!('result' in message) && !('error' in message)) return;
      child.off('message', onMessage);
      resolve(message);
    };
    child.on('message', onMessage);
  });
  child.send(request);
  const ended = child.ended.then(({ code, signal }) => ({ error: `it ended with ${signal ?? code}; see its log` }));
  const { result, error } = await Promise.race([answer, ended]);
  if (error) throw new Error(`${request.scenario ?? request}: ${error}`);
  return result;
}

/// Asks the process to end, and ends it with all that it started when it does not.
export async function stop(child, signal = 'SIGTERM') {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const patience = setTimeout(() => killTree(child), STOP_PATIENCE_MS);
  await child.ended;
  clearTimeout(patience);
}

/// Also ends what a child started in a group of its own, such as the PostgreSQL of `orchestrator dev`.
function killTree(child) {
  for (const pid of treeOf(child.pid, readProcesses())) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

/// For the way out after a failure or a signal.
export function endAll() {
  for (const child of alive) killTree(child);
}

/// Runs a program to its end and returns what it printed; throws when it fails.
export async function run(program, args, { log, env = {}, user } = {}) {
  const errors = openSync(log, 'a');
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', errors],
    detached: true,
    ...(user ?? {}),
  });
  closeSync(errors);
  track(child);
  let printed = '';
  child.stdout.on('data', (data) => (printed += data));
  const drained = new Promise((resolve) => child.stdout.once('close', resolve));
  const { code } = await child.ended;
  await drained;
  if (code !== 0) throw new Error(`${program} ${args[0]} failed with ${code}; see ${log}`);
  return printed;
}

/// {children, ticks} of every process that there is: the first by parent, the second with those of ended children.
function readProcesses() {
  const children = new Map();
  const ticks = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let text;
    try {
      text = readFileSync(`/proc/${name}/stat`, 'utf8');
    } catch {
      continue;
    }
    // The command name stands in parentheses and may hold spaces; the parent is the second word after it.
    const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
    ticks.set(Number(name), words.slice(11, 15).reduce((sum, word) => sum + Number(word), 0));
    const parent = Number(words[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return { children, ticks };
}

/// The process and all below it.
function treeOf(pid, { children }) {
  const tree = [pid];
  for (let next = 0; next < tree.length; ++next) tree.push(...(children.get(tree[next]) ?? []));
  return tree;
}

/// Processor seconds that the processes below (and including) `pid` have used, ended children included.
export function cpuSecondsOfTree(pid) {
  const processes = readProcesses();
  const ticks = treeOf(pid, processes).reduce((sum, one) => sum + (processes.ticks.get(one) ?? 0), 0);
  return ticks / TICKS_PER_SECOND;
}

/// A port of the loopback interface that nobody listens on now.
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/// Repeats `attempt` until it returns something true; throws when `seconds` have passed.
export async function until(what, seconds, attempt) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      const result = await attempt();
      if (result) return result;
    } catch {
      // Not yet.
    }
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
