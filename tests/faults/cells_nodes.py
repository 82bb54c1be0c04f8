"""Faults of server processes."""
import signal

from cells import cell
from waiting import pass_time, until

LEASE = 3


@cell(quick=True)
def node_killed(world):
    """kill -9 of the only node, which is started again at once."""
    world.start_cluster()
    node = world.start_node("a")
    world.start_load()
    for _ in range(3):
        world.mark_fault()
        node.kill()
        node.start()
        world.await_acknowledged(100)
    world.close_books()


@cell()
def node_terminated(world):
    """SIGTERM of the only node: it drains, hands over and leaves; a new start goes on."""
    world.start_cluster()
    node = world.start_node("a")
    world.start_load()
    world.mark_fault()
    node.end(signal.SIGTERM)
    world.report.check(node.process.returncode == 0, f"SIGTERM ends with {node.process.returncode}")
    node.start()
    world.close_books()


@cell(quick=True)
def node_frozen(world):
    """SIGSTOP of one of two nodes past its lease, then SIGCONT: the other takes over, and the frozen one writes nothing."""
    world.start_cluster()
    frozen, _ = world.start_nodes("a", "b", lease_seconds=LEASE)
    world.start_load(timeout=1)
    world.mark_fault(world.shards_of(frozen))
    frozen.signal(signal.SIGSTOP)
    until(lambda: not world.shards_of(frozen), 4 * LEASE, "the other node takes over")
    world.await_acknowledged(100)
    frozen.signal(signal.SIGCONT)
    until(frozen.is_ready, 30, "the frozen node is back")
    world.close_books()


@cell()
def only_node_frozen(world):
    """SIGSTOP of the only node past its lease, then SIGCONT: nobody else is there, and it goes on with what it had."""
    world.start_cluster()
    node = world.start_node("a", lease_seconds=LEASE)
    world.start_load()
    world.mark_fault()
    node.signal(signal.SIGSTOP)
    pass_time(2 * LEASE)
    node.signal(signal.SIGCONT)
    world.close_books()


def api_and_workers(world, **settings):
    """One node that takes calls and two that own shards and run handlers."""
    world.start_cluster()
    api = world.new_node("api", roles="api", **settings)
    workers = [world.new_node(name, roles="worker", **settings) for name in ("w1", "w2")]
    for node in [api, *workers]:
        node.launch()
    for node in [api, *workers]:
        until(node.is_ready, 60, f"node {node.name} is ready")
    world.wait_for_balance(workers)
    world.report.check(api.shards() == 0, "a node with role api owns shards")
    world.start_load(ports=[api.port])
    return api, workers


@cell(quick=True)
def worker_killed(world):
    """kill -9 of one of two worker-only nodes behind an api-only node; it comes back later."""
    _, (worker, _) = api_and_workers(world)
    world.mark_fault(world.shards_of(worker))
    worker.kill()
    until(lambda: not world.shards_of(worker), 30, "the other worker takes over")
    world.await_acknowledged(100)
    worker.start()
    world.close_books()


@cell()
def worker_terminated(world):
    """SIGTERM of one of two worker-only nodes: its shards are handed over at once."""
    _, (worker, _) = api_and_workers(world)
    world.mark_fault(world.shards_of(worker))
    worker.end(signal.SIGTERM)
    world.report.check(not world.shards_of(worker), "a node that left still owns shards")
    world.close_books()


@cell()
def worker_frozen(world):
    """SIGSTOP of one of two worker-only nodes past its lease, then SIGCONT."""
    _, (worker, _) = api_and_workers(world, lease_seconds=LEASE)
    world.mark_fault(world.shards_of(worker))
    worker.signal(signal.SIGSTOP)
    until(lambda: not world.shards_of(worker), 4 * LEASE, "the other worker takes over")
    world.await_acknowledged(100)
    worker.signal(signal.SIGCONT)
    world.close_books()


@cell()
def api_node_killed(world):
    """kill -9 of the api-only node: the workers' runs go on, and callers find it again after its restart."""
    api, _ = api_and_workers(world)
    world.mark_fault()
    api.kill()
    pass_time(1)
    api.start()
    world.close_books()


@cell(quick=True)
def one_of_three_lost(world):
    """kill -9 of one of three nodes under load; it never comes back."""
    world.start_cluster()
    lost, *_ = world.start_nodes("a", "b", "c")
    world.start_load()
    world.mark_fault(world.shards_of(lost))
    lost.kill()
    world.await_acknowledged(300)
    world.close_books()
