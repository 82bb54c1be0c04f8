// The worker in JavaScript: ledger_worker.mjs LEDGER QUEUE NAME. Needs the built client of clients/typescript.
import { randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { TaskFailure, Worker } from '../../clients/typescript/dist/src/index.js';

const [path, queue, name] = process.argv.slice(2);
const ledger = openSync(path, 'a');
await new Worker({ queue, workerId: name, concurrency: 4, leaseSeconds: 2, waitSeconds: 4 })
  .handler('ledger.add', async (entry, context) => {
    const effect = randomUUID();
    const write = (kind) =>
      writeSync(ledger, JSON.stringify({
        kind, effect, number: entry.number, run_id: context.runId, key: context.idempotencyKey,
        attempt: context.attempt, worker: name,
      }) + '\n');
    write('begun');
    if (context.attempt <= entry.failures) throw new TaskFailure('Ledger.Busy', 'come back');
    await new Promise((done) => setTimeout(done, entry.work_ms));
    write('done');
    return { number: entry.number, effect };
  })
  .run();
