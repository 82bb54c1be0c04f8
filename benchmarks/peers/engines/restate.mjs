import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, cpuSecondsOfTree, freePort, start, startApplication, stop, until } from '../processes.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const SERVICE = path('../apps/restate_service.mjs');
const DRIVER = path('../apps/restate_driver.mjs');
const tuning = { partitions: 4, inFlight: 256, ...JSON.parse(process.env.PEERS_RESTATE ?? '{}') };

/// The server's program: npm brings one package per kind of machine.
function serverProgram() {
  const packages = path('../node_modules/@restatedev');
  for (const name of readdirSync(packages)) {
    const program = join(packages, name, 'bin', 'restate-server');
    if (name.startsWith('restate-server-') && existsSync(program)) return program;
  }
  throw new Error('restate-server is not there for this kind of machine');
}

/// Restate, one server with all roles, one application process, one driver process. Write-ahead logs are synced to disk
/// before anything is acknowledged (`rocksdb-disable-wal-fsync` stays false), shared by what arrived meanwhile.
export const restate = {
  key: 'restate',
  title: 'Restate',
  package: '@restatedev/restate-server',
  durability: 'its own log, one replica, write-ahead log synced to disk per batch of records',
  settings: [
    `${tuning.partitions} partitions (default 24)`,
    `${tuning.inFlight} calls in flight`,
    'journals kept for a day (default)',
    'wal fsync on (default)',
  ],

  async turn(folder, { seconds, latencySeconds, rate, warmUpSeconds }) {
    const [node, ingress, admin, service] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const log = join(folder, 'restate.log');
    const server = start(serverProgram(), ['--no-logo'], {
      log,
      cwd: folder,
      env: {
        RESTATE_BASE_DIR: join(folder, 'restate-data'),
        RESTATE_NODE_NAME: 'peer',
        RESTATE_LISTEN_MODE: 'tcp',
        RESTATE_BIND_IP: '127.0.0.1',
        RESTATE_ADVERTISED_HOST: '127.0.0.1',
        RESTATE_BIND_PORT: String(node),
        RESTATE_INGRESS__BIND_PORT: String(ingress),
        RESTATE_ADMIN__BIND_PORT: String(admin),
        RESTATE_DEFAULT_NUM_PARTITIONS: String(tuning.partitions),
        RESTATE_DISABLE_TELEMETRY: 'true',
        RESTATE_LOG_FILTER: 'warn',
        DO_NOT_TRACK: '1',
        ...(tuning.env ?? {}),
      },
    });
    const services = startApplication(SERVICE, [JSON.stringify({ port: service })], { log });
    await new Promise((resolve) => services.once('message', resolve));
    const adminUrl = `http://127.0.0.1:${admin}`;
    await until('the start of Restate', 60, async () => (await fetch(`${adminUrl}/health`)).ok);
    const deployment = JSON.stringify({ uri: `http://127.0.0.1:${service}` });
    await until('the registration of the services', 30, async () => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${adminUrl}/deployments`, { method: 'POST', headers, body: deployment })).ok;
    });
    const options = JSON.stringify({ ingress: `http://127.0.0.1:${ingress}` });
    const driver = startApplication(DRIVER, [options], { log });
    await new Promise((resolve) => driver.once('message', resolve));
    services.on('message', (message) => driver.send(message));

    const figures = {};
    await ask(driver, { scenario: 'workflow-5-steps', seconds: warmUpSeconds, inFlight: tuning.inFlight });
    for (const scenario of ['pickup-latency', 'signal-latency']) {
      figures[scenario] = await ask(driver, { scenario, seconds: latencySeconds, rate });
    }
    const cpu = () => [server, services, driver].map(({ pid }) => cpuSecondsOfTree(pid));
    const before = cpu();
    const load = await ask(driver, { scenario: 'workflow-5-steps', seconds, inFlight: tuning.inFlight });
    const [engine, application, caller] = cpu().map((value, index) => ((value - before[index]) * 1e6) / load.steps);
    figures['workflow-5-steps'] = {
      steps_per_second: load.steps / load.seconds,
      errors: load.errors,
      engine_cpu_us_per_step: engine,
      application_cpu_us_per_step: application,
      caller_cpu_us_per_step: caller,
    };
    for (const child of [driver, services, server]) await stop(child);
    return figures;
  },
};
