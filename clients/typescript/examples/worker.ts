/// A worker with three handlers. Needs ORCHESTRATOR_URL and ORCHESTRATOR_API_KEY; ends with Ctrl-C or SIGTERM.
///
///     npm run build && node dist/examples/worker.js [queue]

import { NonRetryable, Snooze, Worker } from '../src/index.js';

const worker = new Worker({ queue: process.argv[2] ?? 'default', concurrency: 4, leaseSeconds: 15 });

/// Goes on where a lost attempt stopped: each page that is done is a heartbeat's detail.
worker.handler('invoice.render', async (input: { number: string; pages: number }, context) => {
  const done = (context.heartbeatDetails as { pages: number } | null)?.pages ?? 0;
  for (let page = done; page < input.pages; ++page) {
    await context.sleep(0.2);
    await context.heartbeat({ pages: page + 1 });
  }
  return { file: `${input.number}.pdf`, resumed_at: done };
});

/// The key is the same for every attempt, so the bank books once however often we ask.
worker.handler('card.charge', async (input: { amount_cents: number }, context) => {
  if (input.amount_cents <= 0) throw new NonRetryable('Card.InvalidAmount', 'an amount is more than nothing');
  return { booking: `booked-${context.idempotencyKey}` };
});

worker.handler('report.when_ready', (input: { ready?: boolean }) => {
  if (!input.ready) throw new Snooze(30);
  return 'sent';
});

await worker.run();
