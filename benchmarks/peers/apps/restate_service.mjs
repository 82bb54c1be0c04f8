/// The services that Restate calls: what is durable is in the server, the steps run here.

import * as restate from '@restatedev/restate-sdk';
import { now } from './load.mjs';

const { port } = JSON.parse(process.argv[2]);

const STEPS = 5;
const nothing = async () => {};

const flows = restate.service({
  name: 'flows',
  handlers: {
    fiveSteps: async (context) => {
      for (let step = 1; step <= STEPS; ++step) await context.run(`step${step}`, nothing);
    },
    oneStep: async (context) => {
      return context.run('step', () => now());
    },
    waitForSignal: async (context, key) => {
      const { id, promise } = context.awakeable();
      // Outside of context.run on purpose: it only tells the driver whom to signal.
      process.send({ waiting: { key, id } });
      await promise;
      return context.run('step', () => now());
    },
  },
});

process.on('message', (request) => {
  if (request.scenario === 'stop') process.exit(0);
});
process.on('disconnect', () => process.exit(0));
restate.serve({ services: [flows], port }).then(() => process.send({ ready: true }));
