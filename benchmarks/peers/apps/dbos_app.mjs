/// An application of DBOS Transact: the engine is a library, so workflows, steps and callers share this process.

import { DBOS } from '@dbos-inc/dbos-sdk';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { closedLoop, now, openLoop, serveScenarios, signpost } from './load.mjs';

const { connection, poolSize, name } = JSON.parse(process.argv[2]);

const STEPS = 5;
const nothing = async () => {};
/// Moments of the steps that a latency scenario waits for, by workflow id.
const stepBegan = new Map();
const waiting = new Map();

const noteStep = async () => {
  stepBegan.set(DBOS.workflowID, now());
};
const fiveSteps = DBOS.registerWorkflow(
  async () => {
    for (let step = 1; step <= STEPS; ++step) await DBOS.runStep(nothing, { name: `step${step}` });
  },
  { name: 'fiveSteps' },
);
const oneStep = DBOS.registerWorkflow(async () => DBOS.runStep(noteStep, { name: 'step' }), { name: 'oneStep' });
const waitForSignal = DBOS.registerWorkflow(
  async () => {
    waiting.get(DBOS.workflowID).reach();
    await DBOS.recv('go', 120);
    await DBOS.runStep(noteStep, { name: 'step' });
  },
  { name: 'waitForSignal' },
);

async function pickup() {
  const id = randomUUID();
  const handle = await DBOS.startWorkflow(oneStep, { workflowID: id })();
  await handle.getResult();
  const start = stepBegan.get(id);
  stepBegan.delete(id);
  return { start, end: now() };
}

async function signals({ seconds, rate }) {
  const handles = [];
  for (let index = 0; index < Math.floor(seconds * rate); ++index) {
    const id = randomUUID();
    waiting.set(id, signpost());
    handles.push({ id, handle: await DBOS.startWorkflow(waitForSignal, { workflowID: id })() });
  }
  for (const { id } of handles) await waiting.get(id).reached;
  return openLoop({ seconds, rate }, async (index) => {
    const { id, handle } = handles[index];
    await DBOS.send(id, 'go', 'go');
    await handle.getResult();
    return { start: stepBegan.get(id), end: now() };
  });
}

async function workflows(request) {
  const operation = async () => {
    const handle = await DBOS.startWorkflow(fiveSteps)();
    await handle.getResult();
  };
  const { operations, ...rest } = await closedLoop(request, operation);
  return { steps: operations * STEPS, ...rest };
}

DBOS.setConfig({
  name: 'peers',
  // The pool decides where we connect; the text is only shown in logs.
  systemDatabaseUrl: `postgresql://${connection.user}@localhost/${connection.database}`,
  systemDatabasePool: new pg.Pool({ ...connection, max: poolSize }),
  executorID: name,
  logLevel: 'error',
});
await DBOS.launch();
serveScenarios({
  'pickup-latency': (request) => openLoop(request, pickup),
  'signal-latency': signals,
  'workflow-5-steps': workflows,
  stop: () => DBOS.shutdown(),
});
process.send({ ready: true });
