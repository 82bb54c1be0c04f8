// Makes the pictures of docs/page.md anew: node screenshots.mjs. Look at them before they are committed.
import { mkdirSync } from "node:fs";
import { goTo, openBrowser, openPage } from "./browser.mjs";
import { failMany, playFlows, startProvider } from "./flows.mjs";
import { Server } from "./server.mjs";

const folder = new URL("../../docs/page/", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });
const server = await new Server().start();
const provider = await startProvider();
const browser = await openBrowser();
try {
  const ids = await playFlows(server, provider);
  await failMany(server, provider);
  const shots = {
    overview: ["/"],
    run: [`/runs/${ids.waiting}`],
    timeline: [`/runs/${ids.down}?tab=timeline`],
    "dead-letters": ["/dead-letters"],
    schedule: ["/schedules/nightly"],
    "run-dark": [`/runs/${ids.decision}`, { dark: true }],
    "overview-narrow": ["/", { width: 400, height: 860 }],
  };
  for (const [name, [path, look = {}]] of Object.entries(shots)) {
    const page = await openPage(browser, server.url, look);
    await goTo(page, path);
    await page.locator("#content h1").first().waitFor();
    await page.waitForLoadState("networkidle").catch(() => undefined);
    // Charts and graphs settle; a picture has nothing to wait for.
    await page.waitForTimeout(name.startsWith("overview") ? 9000 : 1500);
    await page.screenshot({ path: `${folder}${name}.png` });
    await page.context().close();
  }
} finally {
  await browser.close();
  provider.close();
  await server.stop();
}
