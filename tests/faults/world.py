"""One cell's world: a cluster, nodes, the outside, and the load. Whatever it starts, `close` ends."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

from books import Books
from effects import EffectServer
from engine import Node, call, free_port
from load import WORKFLOW, Load, definition
from postgres import Cluster
from waiting import until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARDS = 64
# Each write of the transactional step leaves a row here, in the step's own transaction, even where the statement itself
# would hide a second one (`on conflict do nothing`).
COUNT_WRITES = """
create table public.fault_writes (subject text not null);
create function public.count_write() returns trigger language plpgsql security definer set search_path = pg_catalog as
  $$ begin insert into public.fault_writes values (new.subject); return new; end $$;
create trigger count_write before insert on backend.notifications for each row execute function public.count_write();
"""


class Report:
    """What a cell found."""

    def __init__(self, name):
        self.name = name
        self.failures = []
        self.notes = []
        self.acknowledged = 0
        self.lost = 0
        self.doubled = 0
        self.recovery = None
        self.skipped = None

    def check(self, holds, sentence):
        if not holds:
            self.failures.append(sentence)


def make_template(binary, folder):
    """A migrated cluster at rest, which cells copy."""
    template = Cluster(os.path.join(folder, "template"))
    template.make()
    try:
        migrate(binary, template.url)
        template.sql(COUNT_WRITES)
        # At rest: a copy needs no recovery.
        template.end(signal.SIGINT)
    finally:
        template.stop()
    return template


def migrate(binary, url):
    subprocess.run([binary, "migrate", "up"], env={**os.environ, "ORCHESTRATOR_DATABASE_URL": url}, check=True,
                   stdout=subprocess.DEVNULL, timeout=60)


class World:
    def __init__(self, name, binary, folder, template):
        self.binary = binary
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder, mode=0o711)
        self.template = template
        self.report = Report(name)
        self.effects = EffectServer(free_port())
        self.cluster = None
        self.nodes = {}
        self.load = None
        self.closing = [self.effects.stop]
        self.fault_at = None
        self.faulted_shards = None
        self.expected_errors = ()  # events that may be logged as errors in this cell

    # -- what there is

    def start_cluster(self, data=None, wal=None, options=()):
        self.cluster = Cluster(os.path.join(self.folder, "postgres"))
        self.closing.append(self.cluster.stop)
        self.cluster.copy_of(self.template, data, wal)
        self.cluster.start(*options)
        return self.cluster

    def new_node(self, name, url=None, **settings):
        node = Node(self.binary, self.folder, name, url or self.cluster.url,
                    {"ORCHESTRATOR_" + key.upper(): str(value) for key, value in settings.items()})
        self.nodes[name] = node
        self.closing.append(node.stop)
        return node

    def start_node(self, name, url=None, **settings):
        return self.new_node(name, url, **settings).start()

    def start_nodes(self, *names, **settings):
        """Together, and only ready when the shards are spread over them."""
        nodes = [self.new_node(name, **settings) for name in names]
        for node in nodes:
            node.launch()
        for node in nodes:
            until(node.is_ready, 60, f"node {node.name} is ready")
        self.wait_for_balance(nodes)
        return nodes

    def wait_for_balance(self, nodes):
        """As the engine does it: all shards have an owner, and none has more than the fair share, rounded up."""
        fair = -(-SHARDS // len(nodes))

        def is_balanced():
            owned = [node.shards() for node in nodes]
            return sum(owned) == SHARDS and max(owned) <= fair

        until(is_balanced, 60, "the shards are spread over the nodes")

    def any_port(self):
        return next(node.port for node in self.nodes.values() if node.is_running() and node.is_ready())

    def deploy(self, name, text):
        def deployed():
            status, answer = call(self.any_port(), "POST", f"/v1/workflows/{name}/versions", text)
            if status not in (200, 201, 503):
                raise RuntimeError(f"{name} is not deployed: {status} {answer}")
            return status != 503

        until(deployed, 30, f"the deployment of {name}")

    def start_load(self, ports=None, **options):
        """Deploys the workflow and waits until runs flow."""
        self.deploy(WORKFLOW, definition(self.effects.url))
        self.load = Load(ports or [node.port for node in self.nodes.values()], **options).begin()
        self.await_acknowledged(100)
        return self.load

    def await_acknowledged(self, more, patience=90):
        """Until so many more starts and signals are acknowledged."""
        before = self.load.acknowledged()
        until(lambda: self.load.acknowledged() >= before + more, patience, f"{more} more acknowledgements")

    # -- the fault

    def mark_fault(self, shards=None):
        """Now. `shards`: those that it hits, when it does not hit all."""
        self.fault_at = time.time()
        self.faulted_shards = shards

    def shards_of(self, *nodes):
        names = ", ".join(f"'{node.name}'" for node in nodes)
        return [int(row[0]) for row in self.cluster.sql(
            f"select shard from orchestrator.shard_owner where node_id in ({names})")]

    # -- the end

    def close_books(self, more=100):
        """Lets the load go on for a while after the fault, ends it, and checks everything that must hold."""
        self.await_acknowledged(more)
        self.load.finish()
        Books(self).check()

    def close(self):
        for stop in reversed(self.closing):
            try:
                stop()
            except (OSError, subprocess.SubprocessError) as problem:
                print(f"  {self.report.name}: {problem}")

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def new_folder():
    """Below /tmp: reachable for the user of PostgreSQL, and short enough for the paths of sockets."""
    folder = tempfile.mkdtemp(prefix="orchestrator-faults-")
    os.chmod(folder, 0o711)
    return folder
