/// A private PostgreSQL for one turn of one engine: a new cluster in a folder of its own, reached over a Unix socket only.

import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { cpuSecondsOfTree, run, start, stop, until } from './processes.mjs';

const PORT = 5432;
const SUPERUSER = 'orchestrator';

/// The same text as `orchestrator dev` writes for its own cluster (orchestrator/tools/private_postgres.cpp), so that
/// everybody runs on the same database. More connections, because the peers open one per concurrent transaction.
const SETTINGS = `listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
dynamic_shared_memory_type = mmap
max_wal_size = 2GB
checkpoint_timeout = 15min
autovacuum_naptime = 15s
timezone = 'UTC'
log_timezone = 'UTC'
fsync = on
synchronous_commit = on
full_page_writes = on
`;

/// PostgreSQL refuses to run as root; then it runs as the user that Debian's package made for it.
function databaseUser() {
  if (process.getuid() !== 0) return undefined;
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function programs() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter((version) => version >= 15) : [];
  versions.sort((a, b) => b - a);
  for (const version of versions) {
    const folder = join(root, String(version), 'bin');
    if (existsSync(join(folder, 'initdb'))) return folder;
  }
  throw new Error('PostgreSQL 15 or newer is not installed; run scripts/install-packages');
}

/// The same for any database; `connection` is what pg.Client wants to know.
export async function holdSnapshot(connection) {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('begin isolation level repeatable read');
  await client.query('select txid_current_snapshot()');
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}

export class PrivatePostgres {
  /// Makes and starts a cluster below `folder`.
  static async start(folder) {
    const postgres = new PrivatePostgres();
    const user = databaseUser();
    postgres.folder = folder;
    postgres.socketFolder = join(folder, 'socket');
    const cluster = join(folder, 'cluster');
    for (const path of [cluster, postgres.socketFolder]) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      if (user) chownSync(path, user.uid, user.gid);
    }
    const log = join(folder, 'postgres.log');
    const bin = programs();
    const initdb = ['-D', cluster, '-U', SUPERUSER, '--auth=trust', '--encoding=UTF8', '--locale=C'];
    await run(join(bin, 'initdb'), initdb, { log, user });
    writeFileSync(join(cluster, 'postgresql.conf'), SETTINGS);
    const args = ['-D', cluster, '-k', postgres.socketFolder, '-p', String(PORT)];
    postgres.process = start(join(bin, 'postgres'), args, { log, user });
    await until('the start of PostgreSQL', 30, () => postgres.query('select 1', 'postgres'));
    await postgres.query('create database peer', 'postgres');
    return postgres;
  }

  /// What pg.Pool wants to know.
  connection(database = 'peer') {
    return { host: this.socketFolder, port: PORT, user: SUPERUSER, database };
  }

  async query(text, database = 'peer') {
    const client = new pg.Client(this.connection(database));
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  /// Opens a REPEATABLE READ transaction that sees the database as it is now; returns a function that ends it.
  async holdSnapshot(database = 'peer') {
    return holdSnapshot(this.connection(database));
  }

  /// What the database has done so far. A session reports its counters at the latest when it ends, so the second
  /// reading of a pair is taken after the engine stopped.
  async counters() {
    const [row] = await this.query(
      `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal_bytes, xact_commit::float8 as commits,
              (tup_inserted + tup_updated + tup_deleted)::float8 as rows_written
       from pg_stat_database where datname = 'peer'`,
    );
    return row;
  }

  cpuSeconds() {
    return cpuSecondsOfTree(this.process.pid);
  }

  async stop() {
    await stop(this.process, 'SIGINT');
  }
}
