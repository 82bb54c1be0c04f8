// One real server (`orchestrator dev`) with a PostgreSQL of its own, in a folder that goes with it.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");
export const binary = process.env.ORCHESTRATOR_BINARY ?? join(root, "build/release/bin/orchestrator");

/** Repeats `look` until it answers something true. `what` is for the message. */
export async function until(what, look, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await pause(50);
  }
}

export const keys = {
  admin: "admin-key-of-the-page-tests",
  viewer: "viewer-key-of-the-page-tests",
  operator: "operator-key-of-the-page-tests",
  developer: "developer-key-of-the-page-tests",
};

export class Server {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "orc_page_"));
    this.listen = "127.0.0.1:0";
  }

  async start() {
    const environment = {
      ...process.env,
      ORCHESTRATOR_DATA_DIR: this.folder,
      ORCHESTRATOR_LISTEN: this.listen,
      ORCHESTRATOR_NODE_ID: "page-test",
      ORCHESTRATOR_ADMIN_KEY: keys.admin,
      ORCHESTRATOR_API_KEYS: ["viewer", "operator", "developer"].map((role) => `${role}:${role}=${keys[role]}`).join(","),
      ORCHESTRATOR_WORKFLOWS_DIR: join(this.folder, "no-workflows"),
      ORCHESTRATOR_HTTP_ALLOW_PRIVATE: "1",
    };
    let said = "";
    this.process = spawn(binary, ["dev"], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout.on("data", (text) => (said += text));
    this.process.stderr.on("data", (text) => (said = (said + text).slice(-20_000)));
    this.url = await until("the server", () => {
      if (this.process.exitCode !== null) throw new Error(`the server ended: ${said}`);
      return /(http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
    }, 60);
    // A restarted server keeps its address: the page comes back to it.
    this.listen = this.url.replace("http://", "");
    await until("readiness", async () => (await fetch(`${this.url}/readyz`).catch(() => null))?.ok, 60);
    return this;
  }

  /** Without a word to anybody, as a crash does it. */
  async kill() {
    this.process.kill("SIGKILL");
    await until("its end", () => this.process.exitCode !== null || this.process.signalCode !== null);
  }

  async stop() {
    this.process.kill("SIGTERM");
    await until("its end", () => this.process.exitCode !== null || this.process.signalCode !== null, 60).catch(() => this.process.kill("SIGKILL"));
    const postmaster = join(this.folder, "postgres/postmaster.pid");
    if (existsSync(postmaster)) {
      const pid = Number(readFileSync(postmaster, "utf8").split("\n")[0]);
      try {
        process.kill(pid, "SIGINT");
        await until("the end of PostgreSQL", () => !existsSync(postmaster));
      } catch {
        // It was gone already.
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async call(method, path, body, key = keys.admin) {
    const response = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text === "" ? null : JSON.parse(text);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return answer;
  }
}
