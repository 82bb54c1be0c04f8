// Real flows in every state that a screen shows, on a real server, with a provider that can be broken and mended.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { until } from "./server.mjs";

const order = {
  Comment: "Takes an order, charges it, and sends it when the courier says so.",
  StartAt: "Reserve",
  Attributes: { customer: "$.customer" },
  States: {
    Reserve: { Type: "Task", Resource: "handler:echo", ResultPath: "$.reserved", Next: "Charge" },
    Charge: {
      Type: "Task",
      Resource: "handler:http.request",
      Parameters: { method: "POST", "url.$": "$.provider", "body": { "amount.$": "$.amount" }, timeout_seconds: 5 },
      ResultSelector: { "status.$": "$.status" },
      ResultPath: "$.charged",
      Retry: [{ ErrorEquals: ["Http.Status.503"], IntervalSeconds: 1, MaxAttempts: 1, BackoffRate: 1 }],
      Next: "IsLarge",
    },
    IsLarge: { Type: "Choice", Choices: [{ Variable: "$.amount", NumericGreaterThan: 1000, Next: "Approve" }], Default: "Prepare" },
    Approve: {
      Type: "Task",
      Resource: "decision:approval",
      Parameters: {
        title: "Approve the large order?",
        "key.$": "$.customer",
        schema: {
          type: "object",
          required: ["approved"],
          properties: { approved: { type: "boolean", title: "Approved" }, note: { type: "string", title: "Note" }, level: { enum: ["low", "high"], title: "Risk" } },
        },
      },
      ResultPath: "$.approval",
      Next: "Prepare",
    },
    Prepare: {
      Type: "Parallel",
      Branches: [
        { StartAt: "Pack", States: { Pack: { Type: "Task", Resource: "handler:echo", Next: "Label" }, Label: { Type: "Task", Resource: "handler:echo", End: true } } },
        { StartAt: "Tell", States: { Tell: { Type: "Task", Resource: "handler:noop", End: true } } },
      ],
      ResultPath: null,
      Next: "AwaitCourier",
    },
    AwaitCourier: {
      Type: "Task",
      Resource: "signal:courier.came|order.cancelled",
      Parameters: { "key.$": "$.customer" },
      TimeoutSeconds: 86400,
      ResultPath: "$.courier",
      Catch: [{ ErrorEquals: ["States.Timeout"], Next: "GiveUp" }],
      Next: "Sent",
    },
    Sent: { Type: "Succeed" },
    GiveUp: { Type: "Fail", Error: "Order.NobodyCame", Cause: "No courier came within a day" },
  },
};

const { Reserve, Charge } = order.States;
const payment = { StartAt: "Reserve", States: { Reserve, Charge: { ...Charge, Next: "Receipt" }, Receipt: { Type: "Task", Resource: "handler:echo", End: true } } };

const later = { StartAt: "Later", States: { Later: { Type: "Wait", Seconds: 7200, Next: "Done" }, Done: { Type: "Pass", End: true } } };
const each = {
  StartAt: "Each",
  States: { Each: { Type: "Map", ItemsPath: "$.items", MaxConcurrency: 50, ItemProcessor: { StartAt: "Touch", States: { Touch: { Type: "Task", Resource: "handler:noop", End: true } } }, End: true } },
};
const family = { StartAt: "Child", States: { Child: { Type: "Task", Resource: "workflow:later", End: true } } };

/** A payment provider with moods: an amount decides whether it answers, refuses or is out of order, until it is mended. */
export function startProvider() {
  const provider = { isMended: false, takesAll: false, calls: 0 };
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (piece) => (text += piece));
    request.on("end", () => {
      provider.calls += 1;
      const amount = JSON.parse(text || "{}").amount ?? 0;
      const status = amount < 0 && !provider.takesAll ? 422 : provider.isMended ? 200 : request.url === "/limited" ? 403 : request.url === "/down" ? 503 : 200;
      const words = { 200: "charged", 403: "merchant suspended", 422: `amount ${amount} is not positive`, 503: "payment provider is in maintenance" };
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ message: words[status] }));
    });
  });
  return new Promise((ready) => {
    server.listen(0, "127.0.0.1", () => {
      provider.url = `http://127.0.0.1:${server.address().port}`;
      provider.close = () => server.close();
      ready(provider);
    });
  });
}

export async function deploy(server) {
  await server.call("POST", "/v1/workflows/order/versions", { ...order, Comment: "The first version." });
  await server.call("POST", "/v1/workflows/order/versions", order);
  await server.call("POST", "/v1/workflows/payment/versions", payment);
  await server.call("POST", "/v1/workflows/later/versions", later);
  await server.call("POST", "/v1/workflows/each/versions", each);
  await server.call("POST", "/v1/workflows/family/versions", family);
}

const start = (server, workflow, input, key) => server.call("POST", "/v1/runs", { workflow, input, key }).then((run) => run.run_id);

/** One run or more of everything that a screen can show. Answers their ids by what they are. */
export async function playFlows(server, provider) {
  await deploy(server);
  const ids = {};
  const anOrder = (customer, amount, path = "/") => start(server, "order", { customer, amount, provider: provider.url + path }, `order-${customer}`);
  ids.waiting = await anOrder("ada", 120);
  ids.succeeded = await anOrder("grace", 80);
  ids.decision = await anOrder("linus", 5000);
  ids.refused = await anOrder("edsger", -5);
  ids.suspended = await anOrder("barbara", 40, "/limited");
  ids.down = await anOrder("ken", 40, "/down");
  ids.pausable = await anOrder("dennis", 60);
  ids.cancelled = await anOrder("tony", 60);
  ids.timer = await start(server, "later", {}, "later-1");
  ids.parent = await start(server, "family", {}, "family-1");
  ids.map = await start(server, "each", { items: Array.from({ length: 40 }, (_, i) => i) }, "each-1");
  ids.job = (await server.call("POST", "/v1/jobs", { handler: "mail.unknown", queue: "mail", input: { to: "ada@example.com" } })).run_id;
  ids.failedJob = (await server.call("POST", "/v1/jobs", { handler: "fail", queue: "reports", input: { error: "Report.Broken", cause: "column missing" }, max_attempts: 2, retry: { kind: "fixed", initial_seconds: 1 } })).run_id;
  await server.call("POST", "/v1/schedules", { name: "nightly", cron: "30 2 * * *", time_zone: "Europe/Berlin", workflow: "later", input: {} });
  await server.call("POST", "/v1/schedules", { name: "every-minute", every_seconds: 60, workflow: "each", input: { items: [1] } });
  await server.call("POST", "/v1/webhook-endpoints", { name: "shop", provider: "generic_hmac", secrets: ["hook-secret"], signal: { name: "shop.order", key: "$.order_id" }, options: { header: "X-Signature" } });
  const body = JSON.stringify({ order_id: "order-ada", event: "paid", amount: 120 });
  const signature = createHmac("sha256", "hook-secret").update(body).digest("hex");
  const hook = await fetch(`${server.url}/hooks/default/shop`, { method: "POST", headers: { "Content-Type": "application/json", "X-Signature": signature }, body });
  if (!hook.ok) throw new Error(`the webhook was refused: ${hook.status} ${await hook.text()}`);
  await server.call("POST", "/v1/signals/nobody.waits", { key: "k-1", payload: { early: true } });
  const state = async (id) => (await server.call("GET", `/v1/runs/${id}`)).state;
  for (const id of [ids.succeeded, ids.cancelled, ids.pausable, ids.waiting]) await until("a waiting order", async () => (await state(id)) === "waiting");
  await server.call("POST", `/v1/runs/${ids.succeeded}/signals/courier.came`, { courier: "bike" });
  await server.call("POST", `/v1/runs/${ids.cancelled}/cancel`, { reason: "the buyer changed his mind" });
  for (const name of ["refused", "suspended", "down", "failedJob"]) await until(`${name} to fail`, async () => (await state(ids[name])) === "failed");
  await until("the success", async () => (await state(ids.succeeded)) === "succeeded");
  return ids;
}

/** Payments that fail because their provider is in maintenance. */
export async function failWithMaintenance(server, provider, number) {
  const runs = Array.from({ length: number }, (_, i) => ({ workflow: "payment", key: `night-${i}`, input: { customer: `night-${i}`, amount: 20, provider: `${provider.url}/down` } }));
  const answer = await server.call("POST", "/v1/runs/batch", { runs });
  return answer.items.map((item) => item.run_id);
}

/** 500 failed payments: 300 for a provider in maintenance, 150 for a suspended merchant, 50 for a wrong amount. */
export async function failMany(server, provider) {
  const runs = Array.from({ length: 500 }, (_, i) => {
    const [path, amount] = i < 300 ? ["/down", 20] : i < 450 ? ["/limited", 20] : ["/", -1];
    return { workflow: "payment", key: `many-${i}`, input: { customer: `many-${i}`, amount, provider: provider.url + path } };
  });
  const answer = await server.call("POST", "/v1/runs/batch", { runs });
  const wrong = answer.items.find((item) => item.error);
  if (wrong) throw new Error(JSON.stringify(wrong));
  return answer.items.map((item) => item.run_id);
}
