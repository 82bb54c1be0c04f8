/// An application of BullMQ. Jobs that are done stay, as completed, up to `keep` of them.

import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { serveJobScenarios } from './job_scenarios.mjs';

const { socket, concurrency, workers, batch, keep } = JSON.parse(process.argv[2]);

const connect = () => new Redis({ path: socket, maxRetriesPerRequest: null });
const connections = [connect(), connect()];
const options = { defaultJobOptions: { removeOnComplete: { count: keep }, removeOnFail: { count: keep } } };
const queue = new Queue('noop', { ...options, connection: connections[0] });
const nobody = new Queue('nobody', { ...options, connection: connections[1] });

let over = 0;

serveJobScenarios(
  {
    batch,
    enqueueMany: (count) => queue.addBulk(Array.from({ length: count }, () => ({ name: 'noop', data: {} }))),
    enqueueOne: (id) => queue.add('noop', { id }),
    enqueueIdle: () => nobody.add('noop', {}),
    async work(onStart) {
      const started = Array.from({ length: workers }, () => {
        const connection = connect();
        connections.push(connection);
        const worker = new Worker('noop', async ({ data }) => onStart(data.id), { connection, concurrency });
        worker.on('completed', () => ++over);
        worker.on('error', (error) => console.error(error));
        return worker;
      });
      await Promise.all(started.map((worker) => worker.waitUntilReady()));
      return () => Promise.all(started.map((worker) => worker.close()));
    },
    // The event follows Redis's answer to the completion.
    settled: async () => over,
  },
  async () => {
    await queue.close();
    await nobody.close();
    for (const connection of connections) connection.disconnect();
  },
);
