/// A caller of our server, for the scenario that `orchestrator bench` does not have: a load beside a held snapshot.

import { now, serveJobScenarios } from './job_scenarios.mjs';

const { url, key } = JSON.parse(process.argv[2]);

/// When a probe's run is read: long after its start, which its own handler notes.
const LOOK_MS = 250;
const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };

async function call(path, body) {
  const answer = await fetch(url + path, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

let tell = () => {};

/// The handler `clock` returns when it began, by the machine's clock.
function watch(runId, id) {
  setTimeout(async () => {
    try {
      const { state, output } = await call(`/v1/runs/${runId}`);
      if (state === 'succeeded') {
        const ago = (performance.timeOrigin + performance.now()) - output.unix_us / 1000;
        tell(id, now() - ago);
      } else {
        watch(runId, id);
      }
    } catch (error) {
      console.error(error);
      watch(runId, id);
    }
  }, LOOK_MS);
}

async function closedJobs() {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('orchestrator_runs_closed_total{') && line.includes('kind="job"'));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

serveJobScenarios(
  {
    batch: 1000,
    enqueueMany: (count) => call('/v1/jobs/batch', { jobs: Array.from({ length: count }, () => ({ handler: 'noop' })) }),
    async enqueueOne(id) {
      const { run_id: runId } = await call('/v1/jobs', { handler: 'clock' });
      watch(runId, id);
    },
    enqueueIdle: () => call('/v1/jobs', { handler: 'nobody' }),
    async work(onStart) {
      tell = onStart;
      return async () => {};
    },
    settled: closedJobs,
    begun: closedJobs,
  },
  async () => {},
);
