"""Faults of PostgreSQL, and of the way to it."""
import os
import signal
import subprocess

from cells import cell
from engine import free_port
from postgres import Cluster, give_to_postgres
from proxy import Proxy
from waiting import pass_time, until
from world import COUNT_WRITES

COMMITTERS = """select count(pg_terminate_backend(pid)) from pg_stat_activity
                where application_name in ('orchestrator-committer', 'orchestrator-step') and state = 'active'"""


def under_load(world):
    world.start_cluster()
    world.start_node("a")
    world.start_load()


@cell()
def postgres_killed(world):
    """kill -9 of PostgreSQL's main process, three times; it is started again, the node reconnects by itself."""
    under_load(world)
    for _ in range(3):
        world.mark_fault()
        world.cluster.end(signal.SIGKILL)
        world.cluster.start()
        world.await_acknowledged(100)
    world.close_books()


@cell(quick=True)
def postgres_immediate(world):
    """An immediate shutdown of PostgreSQL (every backend dies at once) and a start with crash recovery."""
    under_load(world)
    world.mark_fault()
    world.cluster.end(signal.SIGQUIT)
    world.cluster.start()
    world.close_books()


@cell()
def postgres_fast(world):
    """A fast restart of PostgreSQL, as an upgrade does it."""
    under_load(world)
    world.mark_fault()
    world.cluster.end(signal.SIGINT)
    world.cluster.start()
    world.close_books()


@cell()
def postgres_terminated(world):
    """SIGTERM of PostgreSQL: it refuses new connections and waits for the old ones, which go on; then a fast restart."""
    under_load(world)
    world.cluster.signal(signal.SIGTERM)
    world.await_acknowledged(100)
    world.mark_fault()
    world.cluster.end(signal.SIGINT)
    world.cluster.start()
    world.close_books()


@cell()
def postgres_frozen(world):
    """SIGSTOP of all of PostgreSQL's processes for longer than the lease, then SIGCONT."""
    world.start_cluster()
    world.start_node("a", lease_seconds=3)
    world.start_load()
    world.mark_fault()
    frozen = world.cluster.processes()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    pass_time(5)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    world.close_books()


@cell(quick=True)
def backends_terminated(world):
    """pg_terminate_backend of whatever is committing at that moment, until it has hit thirty times."""
    under_load(world)
    hits = 0

    def hit():
        nonlocal hits
        hits += int(world.cluster.value(COMMITTERS))
        world.mark_fault()
        return hits >= 30

    until(hit, 60, "thirty commits are hit")
    world.report.notes.append(f"{hits} backends ended")
    world.close_books()


def cut(world, kind, moment, every):
    world.start_cluster()
    proxy = Proxy(free_port(), os.path.join(world.cluster.socket, ".s.PGSQL.5432"))
    world.closing.append(proxy.stop)
    port = proxy.listener.getsockname()[1]
    world.start_node("a", url=f"postgresql://orchestrator@127.0.0.1:{port}/orchestrator"
                              "?sslmode=disable&gssencmode=disable")
    world.start_load()
    proxy.cut(kind, moment, every)
    until(lambda: len(proxy.cuts) >= 12, 60, "twelve commits are cut")
    proxy.heal()
    world.mark_fault()
    world.report.notes.append(f"{len(proxy.cuts)} commits cut")
    world.close_books()


@cell(quick=True)
def cut_before_commit(world):
    """The connection dies when a commit is on its way out: it never arrives."""
    cut(world, "batch", "before", 20)


@cell()
def cut_after_commit_sent(world):
    """The connection dies when a commit has just been sent: whether it is carried out, nobody knows."""
    cut(world, "batch", "sent", 20)


@cell(quick=True)
def cut_before_answer(world):
    """The connection dies when a commit has been carried out and its answer is on its way back."""
    cut(world, "batch", "answered", 20)


@cell()
def step_cut_before_commit(world):
    """The same three moments for the COMMIT of a transactional step: it never arrives."""
    cut(world, "step", "before", 8)


@cell()
def step_cut_after_commit_sent(world):
    """The COMMIT of a transactional step is sent, and nobody reads the answer."""
    cut(world, "step", "sent", 8)


@cell(quick=True)
def step_cut_before_answer(world):
    """The COMMIT of a transactional step is carried out, and its answer is lost."""
    cut(world, "step", "answered", 8)


@cell()
def standby_promoted(world):
    """kill -9 of a primary with a synchronous standby, which is promoted; the nodes' URL names both."""
    primary = world.start_cluster(options=("-c", "synchronous_standby_names=*", "-c", "wal_level=replica",
                                           "-c", "synchronous_commit=local"))
    standby = Cluster(os.path.join(world.folder, "standby"))
    world.closing.append(standby.stop)
    give_to_postgres(standby.data)
    standby.run("pg_basebackup", "-h", primary.socket, "-U", "orchestrator", "-D", standby.data, "-R", "-X", "stream",
                "-c", "fast")
    standby.start()
    # Only now: without a standby every commit would wait for one.
    primary.sql("alter system set synchronous_commit = 'on'", database="postgres")
    primary.stop()
    primary.start("-c", "synchronous_standby_names=*")
    until(lambda: primary.value("select count(*) from pg_stat_replication where sync_state = 'sync'") == "1", 30,
          "the standby is synchronous")
    url = (f"postgresql://orchestrator@/orchestrator?host={primary.socket},{standby.socket}"
           "&target_session_attrs=read-write")
    for name in ("a", "b"):
        world.new_node(name, url=url).launch()
    world.wait_for_balance(list(world.nodes.values()))
    world.start_load()
    world.mark_fault()
    primary.end(signal.SIGKILL)
    standby.run("pg_ctl", "promote", "-D", standby.data, "-w")
    world.cluster = standby
    world.close_books()


@cell(quick=True)
def migrated_at_once(world):
    """Four `orchestrator migrate up` on an empty database at the same moment: each ends well, and the schema is whole."""
    world.cluster = Cluster(os.path.join(world.folder, "postgres"))
    world.closing.append(world.cluster.stop)
    world.cluster.make()
    environment = {**os.environ, "ORCHESTRATOR_DATABASE_URL": world.cluster.url}
    migrations = [subprocess.Popen([world.binary, "migrate", "up"], env=environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True) for _ in range(4)]
    for migration in migrations:
        said, _ = migration.communicate(timeout=60)
        world.report.check(migration.returncode == 0, f"migrate up ends with {migration.returncode}: {said}")
    world.cluster.sql(COUNT_WRITES)
    world.start_nodes("a", "b")
    world.start_load()
    world.close_books()
