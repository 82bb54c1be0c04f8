/// The real server for tests: `orchestrator dev` on a free port, in a folder of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY =
  process.env['ORCHESTRATOR_BINARY'] ??
  fileURLToPath(new URL('../../../../build/release/bin/orchestrator', import.meta.url));
const START_MS = 60_000;

export class RealServer {
  readonly apiKey = randomBytes(24).toString('hex');
  url = '';
  private readonly folder = mkdtempSync(join(tmpdir(), 'orchestrator-clients-'));
  private listen = '127.0.0.1:0';
  private process: ChildProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();

  async start(): Promise<void> {
    // PostgreSQL's own user passes through.
    chmodSync(this.folder, 0o711);
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('ORCHESTRATOR_'));
    const log = openSync(join(this.folder, 'log'), 'a');
    const child = spawn(BINARY, ['dev'], {
      env: {
        ...Object.fromEntries(own),
        ORCHESTRATOR_DATA_DIR: join(this.folder, 'data'),
        ORCHESTRATOR_LISTEN: this.listen,
        ORCHESTRATOR_ADMIN_KEY: this.apiKey,
        ORCHESTRATOR_WORKFLOWS_DIR: join(this.folder, 'no-workflows'),
        ORCHESTRATOR_NODE_ID: 'clients',
        ORCHESTRATOR_LEASE_SECONDS: '3',
      },
      stdio: ['ignore', 'pipe', log],
    });
    this.process = child;
    this.ended = new Promise((resolve) => child.once('exit', resolve));
    const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      for await (const line of createInterface({ input: child.stdout! })) {
        const event = line.startsWith('{') ? JSON.parse(line) : {};
        if (event.event !== 'ready') continue;
        this.url = event.url;
        // The same address after a restart.
        this.listen = this.url.replace('http://', '');
        child.stdout!.resume();
        return;
      }
    } finally {
      clearTimeout(late);
    }
    throw new Error(`the server did not start; see ${this.folder}/log`);
  }

  /// Ends it in the middle of whatever it does; its database goes on.
  async kill(): Promise<void> {
    this.process?.kill('SIGKILL');
    await this.ended;
  }

  async close(): Promise<void> {
    if (this.process && (this.process.exitCode !== null || this.process.signalCode !== null) && this.url) {
      await this.start(); // It alone knows how to end its database.
    }
    this.process?.kill('SIGTERM');
    const late = setTimeout(() => this.process?.kill('SIGKILL'), 40_000);
    await this.ended;
    clearTimeout(late);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/// Passes connections on to the server, but swallows the first `cuts` answers to requests that contain `about`: the
/// server has done what was asked, and the caller does not know.
export class CuttingProxy {
  requests = 0;
  private readonly server: Server;

  constructor(target: string, cuts: number, about = '') {
    const { hostname, port } = new URL(target);
    this.server = createServer((caller) => {
      const upstream = createConnection(Number(port), hostname);
      let isAboutIt = false;
      caller.on('data', (data) => {
        // A request may come in two pieces; its first names the method and the path.
        const head = data.toString('latin1', 0, 500);
        if (/^(GET|POST) /.test(head)) {
          isAboutIt = head.includes(about);
          if (isAboutIt) ++this.requests;
        }
        upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (cuts > 0 && isAboutIt) {
          --cuts;
          caller.destroy();
        } else {
          caller.write(data);
        }
      });
      for (const [one, other] of [[caller, upstream], [upstream, caller]] as const) {
        one.on('close', () => other.destroy());
        one.on('error', () => other.destroy());
      }
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.server.unref();
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}
