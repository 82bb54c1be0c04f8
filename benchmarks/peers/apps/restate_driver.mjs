/// Calls Restate's ingress through its own client.

import * as clients from '@restatedev/restate-sdk-clients';
import { closedLoop, now, openLoop, serveScenarios, signpost } from './load.mjs';

const { ingress } = JSON.parse(process.argv[2]);

const STEPS = 5;
const restate = clients.connect({ url: ingress });
const flows = restate.serviceClient({ name: 'flows' });
/// Awakeables by the key of their workflow; the services name them through the parent process.
const waiting = new Map();

process.on('message', ({ waiting: known }) => {
  if (known) waiting.get(known.key)?.reach(known.id);
});

async function workflows(request) {
  const { operations, ...rest } = await closedLoop(request, () => flows.fiveSteps());
  return { steps: operations * STEPS, ...rest };
}

async function pickup() {
  const start = await flows.oneStep();
  return { start, end: now() };
}

async function signals({ seconds, rate }) {
  const armed = [];
  for (let index = 0; index < Math.floor(seconds * rate); ++index) {
    const key = `wait-${index}`;
    const named = signpost();
    waiting.set(key, named);
    armed.push({ named, ended: flows.waitForSignal(key) });
  }
  const ids = [];
  for (const { named } of armed) ids.push(await named.reached);
  return openLoop({ seconds, rate }, async (index) => {
    await restate.resolveAwakeable(ids[index], 'go');
    return { start: await armed[index].ended, end: now() };
  });
}

serveScenarios({
  'pickup-latency': (request) => openLoop(request, pickup),
  'signal-latency': signals,
  'workflow-5-steps': workflows,
  stop: () => {},
});
process.send({ ready: true });
