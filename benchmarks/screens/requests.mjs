// Every request that a screen of the page makes, with the filters that people use. What screens ask is in dashboards/page/src.

/** `ids` as tests/page/flows.mjs answers them; `deep` a cursor far back in the list of runs. */
export function requests(ids, deep, delivery) {
  const runs = {
    "runs": "",
    "runs, deep page": `cursor=${deep}`,
    "runs: open": "state=ready,running,waiting,paused",
    "runs: waiting": "state=waiting",
    "runs: ready": "state=ready",
    "runs: paused (none)": "state=paused",
    "runs: succeeded": "state=succeeded",
    "runs: failed": "state=failed",
    "runs: cancelled": "state=cancelled",
    "runs: failed or timed out": "state=failed,timed_out",
    "runs: of a workflow": "workflow=order",
    "runs: of a rare workflow": "workflow=each",
    "runs: of no workflow": "workflow=none",
    "runs: failed of a rare workflow": "workflow=each&state=failed",
    "runs: of a version": "workflow=order&version=1",
    "runs: by key": "key=copy-4242",
    "runs: by open key": "key=open-4242",
    "runs: beginning with": "q=copy-4242",
    "runs: beginning with nothing known": "q=nobody-has-this",
    "runs: by attribute": "attribute.customer=customer-77",
    "runs: by unknown attribute": "attribute.customer=nobody",
    "runs: by error": "error=Http.Status.422",
    "runs: by unknown error": "error=None",
    "runs: waiting for a signal": "waiting_on=signal",
    "runs: waiting for a decision": "waiting_on=decision",
    "runs: waiting for a child": "waiting_on=child",
    "runs: waiting for a worker": "waiting_on=worker",
    "runs: of a queue": "queue=mail",
    "runs: of an unknown queue": "queue=none",
    "runs: of a handler": "handler=mail.unknown",
    "runs: children": `parent_run_id=${ids.parent}`,
    "runs: of one old day": `started_after=${daysAgo(20)}&started_before=${daysAgo(19)}`,
    "runs: failed on one old day": `state=failed&started_after=${daysAgo(20)}&started_before=${daysAgo(19)}`,
  };
  const list = Object.entries(runs).map(([name, query]) => [name, `/v1/runs?limit=100&${query}`]);
  for (const name of ["runs: failed", "runs: of a workflow", "runs: by attribute", "runs: waiting for a signal"]) list.push([`${name}, counted`, `/v1/runs?limit=500&${runs[name]}`]);
  return [
    ["overview: dead letters", "/v1/dead-letters?limit=500"],
    ["overview: decisions", "/v1/decisions?limit=100"],
    ["overview: approvals", "/v1/approvals?state=waiting&limit=100"],
    ["overview: queues", "/v1/queues"],
    ["overview: nodes", "/v1/nodes"],
    ["overview: failed lately", "/v1/runs?state=failed,timed_out&limit=8"],
    ["overview: metrics", "/metrics"],
    ...list,
    ["run", `/v1/runs/${ids.waiting}`],
    ["run: history", `/v1/runs/${ids.succeeded}/history?limit=500`],
    ["run: graph", "/v1/workflows/order/versions/2/graph"],
    ["run: signals", `/v1/signals?run_id=${ids.succeeded}&limit=100`],
    ["run: signals, none", `/v1/signals?run_id=${ids.parent}&limit=100`],
    ["run: decisions of its workflow", "/v1/decisions?workflow=order&limit=200"],
    ["dead letters: by error", "/v1/dead-letters?error=Http.Status.422&limit=500"],
    ["dead letters: by workflow", "/v1/dead-letters?workflow=order&limit=500"],
    ["dead letters: rare", "/v1/dead-letters?error=Report.Broken&limit=500"],
    ["dead letters: by reason", "/v1/dead-letters?reason=poison&limit=500"],
    ["decisions", "/v1/decisions?limit=100"],
    ["schedules", "/v1/schedules?limit=100"],
    ["schedule", "/v1/schedules/nightly"],
    ["schedule: next fires", "/v1/schedules/nightly/preview?count=200"],
    ["schedule: slots", "/v1/schedules/every-minute/fires?limit=100"],
    ["signals", "/v1/signals?limit=100"],
    ["signals: by name", "/v1/signals?name=courier.came&limit=100"],
    ["signals: by rare name", "/v1/signals?name=shop.order&limit=100"],
    ["signals: by unknown name", "/v1/signals?name=none&limit=100"],
    ["signals: by key", "/v1/signals?key=copy-4242&limit=100"],
    ["signals: buffered", "/v1/signals?fate=buffered&limit=100"],
    ["signals: consumed", "/v1/signals?fate=consumed&limit=100"],
    ["signals: rejected (none)", "/v1/signals?fate=rejected&limit=100"],
    ["webhooks", "/v1/webhook-deliveries?limit=100"],
    ["webhooks: of an endpoint", "/v1/webhook-deliveries?endpoint=shop&limit=100"],
    ["webhooks: of a rare endpoint", "/v1/webhook-deliveries?endpoint=rare&limit=100"],
    ["webhooks: of a provider", "/v1/webhook-deliveries?provider=generic_hmac&limit=100"],
    ["webhooks: of an unknown provider", "/v1/webhook-deliveries?provider=stripe&limit=100"],
    ["webhooks: poison", "/v1/webhook-deliveries?verdict=poison&limit=100"],
    ["webhooks: duplicate", "/v1/webhook-deliveries?verdict=duplicate&limit=100"],
    ["webhook", `/v1/webhook-deliveries/${delivery}`],
    ["webhook endpoints", "/v1/webhook-endpoints?limit=100"],
    ["definitions", "/v1/workflows"],
    ["definition", "/v1/workflows/order"],
    ["definition: a version", "/v1/workflows/order/versions/1"],
    ["definition: its open runs", "/v1/runs?workflow=order&version=2&state=ready,running,waiting,paused&limit=500"],
    ["operations", "/v1/operations?limit=100"],
    ["approvals", "/v1/approvals?limit=100"],
    ["audit", "/v1/audit?limit=100"],
    ["audit: by actor", "/v1/audit?actor=operator&limit=100"],
    ["audit: by rare actor", "/v1/audit?actor=rare&limit=100"],
    ["audit: by unknown actor", "/v1/audit?actor=nobody&limit=100"],
    ["audit: by action", "/v1/audit?action=run.retry&limit=100"],
    ["audit: by unknown action", "/v1/audit?action=run.kill&limit=100"],
    ["session", "/v1/session"],
    ["namespaces", "/v1/namespaces"],
  ];
}

const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString();

/** Times of `times` calls in milliseconds, sorted. Throws when one is refused. */
export async function measure(server, path, key, times) {
  const taken = [];
  for (let i = 0; i < times + 1; ++i) {
    const begun = performance.now();
    const response = await fetch(server.url + path, { headers: { Authorization: `Bearer ${key}` } });
    const text = await response.text();
    // The first call of each kind also prepares its statement.
    if (i > 0) taken.push(performance.now() - begun);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 300)}`);
  }
  return taken.sort((a, b) => a - b);
}
