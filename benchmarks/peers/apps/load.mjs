/// Load of a known shape, and what came of it. Used by the applications that run the peers.

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/// Milliseconds of the monotonic clock, which all processes of a machine share.
export const now = () => Number(process.hrtime.bigint()) / 1e6;

/// Keeps `inFlight` operations under way for `seconds`, then waits for the rest. Returns {operations, errors, seconds};
/// the seconds end with the last operation.
export async function closedLoop({ seconds, inFlight }, operation) {
  const begun = now();
  const end = begun + seconds * 1000;
  let operations = 0;
  let errors = 0;
  const lane = async () => {
    while (now() < end) {
      try {
        await operation();
        ++operations;
      } catch (error) {
        if (errors++ === 0) console.error('first error:', error);
        await sleep(10);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { operations, errors, seconds: (now() - begun) / 1000 };
}

/// Begins an operation every 1/rate seconds whatever became of the earlier ones. `operation(index, moment)` returns
/// {start, end}: the moments at which what was asked for began and was answered; either may be missing. Latencies
/// count from the moment at which the operation should have begun, so a late loop counts against the engine.
export async function openLoop({ seconds, rate }, operation) {
  const starts = [];
  const answers = [];
  const open = [];
  let errors = 0;
  const begun = now();
  const count = Math.floor(seconds * rate);
  for (let index = 0; index < count; ++index) {
    const moment = begun + (index * 1000) / rate;
    // Node's timers are a millisecond coarse: sleep short of the moment, then give way until it has come.
    while (now() < moment - 1.5) await sleep(1);
    while (now() < moment) await new Promise((resolve) => setImmediate(resolve));
    const one = operation(index, moment)
      .then(({ start, end }) => {
        if (start !== undefined) starts.push(start - moment);
        if (end !== undefined) answers.push(end - moment);
      })
      .catch((error) => {
        if (errors++ === 0) console.error('first error:', error);
      });
    open.push(one);
  }
  await Promise.all(open);
  return { operations: count - errors, errors, start_ms: percentiles(starts), answer_ms: percentiles(answers) };
}

export function percentiles(milliseconds) {
  if (milliseconds.length === 0) return null;
  milliseconds.sort((a, b) => a - b);
  const at = (share) => milliseconds[Math.round(share * (milliseconds.length - 1))];
  return { p50: at(0.5), p99: at(0.99), max: milliseconds.at(-1) };
}

/// A promise that somebody else settles.
export function signpost() {
  let reach;
  const reached = new Promise((resolve) => (reach = resolve));
  return { reached, reach };
}

/// Answers the parent's requests, one function per scenario; each gets the request and returns the result.
export function serveScenarios(scenarios) {
  process.on('message', async (request) => {
    if (!request.scenario) return;
    try {
      const result = await scenarios[request.scenario](request);
      process.send({ result: result ?? null });
    } catch (error) {
      process.send({ error: String(error?.stack ?? error) });
    }
  });
  // A parent that died leaves nobody to measure for.
  process.on('disconnect', () => process.exit(0));
}
