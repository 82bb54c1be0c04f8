// The page in Chromium over the full database: first load, long lists, a long history, many events a second.
import { setTimeout as pause } from "node:timers/promises";
import { goTo, openBrowser, openPage } from "../../tests/page/browser.mjs";
import { until } from "../../tests/page/server.mjs";

const kMaxLongTaskMs = 200;
const kScrollSeconds = 120;
const kLiveSeconds = 15;

/** Map items of the long history; each leaves six events. */
const kLongItems = 3_300;

const ticking = {
  StartAt: "Each",
  States: {
    Each: {
      Type: "Map", ItemsPath: "$.items", MaxConcurrency: 50, End: true,
      ItemProcessor: { StartAt: "Tick", States: { Tick: { Type: "Wait", Seconds: 1, Next: "Touch" }, Touch: { Type: "Pass", End: true } } },
    },
  },
};

const watch = () => {
  globalThis.seen = { long: [], frames: [] };
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => globalThis.seen.long.push(entry.duration))).observe({ type: "longtask", buffered: true });
  let before = performance.now();
  const tick = (now) => {
    globalThis.seen.frames.push(now - before);
    before = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
};

/** Does `work` and says what the page felt of it. */
async function feel(page, name, work) {
  let open = 0;
  let most = 0;
  let asked = 0;
  const isCall = (request) => request.url().includes("/v1/") && !request.url().endsWith("/v1/events");
  const begin = (request) => isCall(request) && (++asked, (most = Math.max(most, ++open)));
  const end = (request) => isCall(request) && --open;
  page.on("request", begin);
  page.on("requestfinished", end);
  page.on("requestfailed", end);
  await page.evaluate(() => Object.assign(globalThis.seen, { long: [], frames: [] }));
  const begun = performance.now();
  const said = await work();
  const seconds = (performance.now() - begun) / 1000;
  const seen = await page.evaluate(() => globalThis.seen);
  for (const [event, listener] of [["request", begin], ["requestfinished", end], ["requestfailed", end]]) page.off(event, listener);
  const frames = seen.frames.sort((a, b) => a - b);
  const longest = Math.max(0, ...seen.long);
  console.log(
    `${name}: ${said ?? ""} in ${seconds.toFixed(1)} s; long tasks ${seen.long.length}, longest ${longest.toFixed(0)} ms; ` +
      `frames p99 ${(frames[Math.floor(frames.length * 0.99)] ?? 0).toFixed(0)} ms, worst ${(frames.at(-1) ?? 0).toFixed(0)}; ${asked} calls, at most ${most} at once`,
  );
  return longest > kMaxLongTaskMs ? 1 : 0;
}

async function measureFirstLoad(browser, server) {
  const paints = [];
  let total = 0;
  for (let i = 0; i < 5; ++i) {
    const page = await openPage(browser, server.url, { role: null });
    await page.getByLabel("API key").waitFor();
    const { paint, bytes } = await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
      bytes: [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
        .filter((entry) => !entry.name.includes("/v1/"))
        .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    }));
    paints.push(paint);
    total = bytes;
    await page.context().close();
  }
  paints.sort((a, b) => a - b);
  console.log(`first load: ${(total / 1000).toFixed(0)} kB compressed; first contentful paint median ${paints[2].toFixed(0)} ms, worst ${paints[4].toFixed(0)} ms`);
  return total < 200_000 && paints[4] < 1000 ? 0 : 1;
}

async function scrollToEnd(page, isDone) {
  const until = Date.now() + kScrollSeconds * 1000;
  while (Date.now() < until && !(await isDone())) {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await pause(20);
  }
}

/** Answers how many of what `measurePage` promises were missed. */
export async function measurePage(server, ids) {
  await server.call("POST", "/v1/workflows/ticking/versions", ticking);
  const long = (await server.call("POST", "/v1/runs", { workflow: "each", input: { items: Array.from({ length: kLongItems }, (_, i) => i) } })).run_id;
  await until("the long run", async () => (await server.call("GET", `/v1/runs/${long}`)).state === "succeeded", 120);
  const browser = await openBrowser();
  let missed = 0;
  try {
    console.log("");
    missed += await measureFirstLoad(browser, server);
    const page = await openPage(browser, server.url);
    await page.evaluate(watch);
    const items = async () => Number((await page.locator(".table-body [role=row]").last().getAttribute("data-index")) ?? 0) + 1;

    missed += await feel(page, "overview", async () => {
      await goTo(page, "/");
      await page.getByText("What needs a person").waitFor();
      await pause(3000);
    });
    missed += await feel(page, "open runs, scrolled", async () => {
      await goTo(page, "/runs?state=ready,running,waiting,paused");
      await page.locator(".table-body [role=row]").first().waitFor();
      let last = 0;
      await scrollToEnd(page, async () => {
        last = await items().catch(() => last);
        return (await page.getByRole("table", { name: "Runs" }).getAttribute("aria-rowcount")) !== "-1";
      });
      return `${last} rows`;
    });
    missed += await feel(page, "history", async () => {
      await goTo(page, `/runs/${long}?tab=history`);
      await page.locator(".event").first().waitFor();
      await scrollToEnd(page, async () => (await page.locator(".event").getByText("ExecutionSucceeded").count()) === 1);
      return page.getByText(/events$/).first().innerText();
    });
    for (const tab of ["timeline", "graph"]) {
      missed += await feel(page, `${tab} of the same run`, async () => {
        await goTo(page, `/runs/${long}?tab=${tab}`);
        await pause(3000);
      });
    }
    const pace = { isOver: false };
    const running = (async () => {
      for (let i = 0; !pace.isOver; ++i) {
        await server.call("POST", "/v1/runs", { workflow: "each", key: `pace-${Date.now()}-${i}`, input: { items: [1, 2, 3] } });
        await pause(60);
      }
    })();
    for (const [name, path] of [["runs, live", "/runs"], ["failed runs, live", "/runs?state=failed"], ["overview, live", "/"]]) {
      missed += await feel(page, name, async () => {
        await goTo(page, path);
        await pause(kLiveSeconds * 1000);
      });
    }
    pace.isOver = true;
    await running;
    const busy = (await server.call("POST", "/v1/runs", { workflow: "ticking", input: { items: Array.from({ length: 2000 }, (_, i) => i) } })).run_id;
    for (const tab of ["graph", "history"]) {
      missed += await feel(page, `one run with 200 events/s, ${tab}`, async () => {
        await goTo(page, `/runs/${busy}?tab=${tab}`);
        await pause(kLiveSeconds * 1000);
      });
    }
    if (page.faults.length > 0) console.log(page.faults);
    missed += page.faults.length;
  } finally {
    await browser.close();
  }
  return missed;
}
