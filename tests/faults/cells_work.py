"""Work that kills, and work that must be held back."""
import os
import signal

from cells import cell
from engine import call
from load import RETRY
from waiting import until

LEASE = 3


def poison(effect_url):
    return {"StartAt": "Poison", "States": {"Poison": {
        "Type": "Task", "Resource": "handler:http.request", "End": True, "Retry": RETRY,
        "Parameters": {"method": "POST", "url": effect_url, "body": {"key": "poison"}, "timeout_seconds": 10}}}}


@cell(quick=True)
def poison_step(world):
    """A step kills its node each time it is performed: after three deaths it is set aside, and everything else goes on."""
    world.start_cluster()
    node = world.start_node("a")
    world.start_load()
    deaths = []

    def kill_caller(subject, pid):
        # 0 would be this test's own process group.
        if subject == "poison" and pid != 0:
            deaths.append(pid)
            os.kill(pid, signal.SIGKILL)

    world.effects.on_call = kill_caller
    world.effects.callers[node.process.pid] = node.name
    world.deploy("fault-poison", poison(world.effects.url))
    status, run = call(node.port, "POST", "/v1/runs", {"workflow": "fault-poison"})
    world.report.check(status == 201, f"the start answers {status} {run}")

    def is_set_aside():
        if not node.is_running():
            world.mark_fault()
            node.launch()
            world.effects.callers[node.process.pid] = node.name
        return world.cluster.value("select count(*) from orchestrator.closed_runs where workflow = 'fault-poison'") == "1"

    until(is_set_aside, 90, "the poison is set aside")
    world.report.notes.append(f"{len(deaths)} deaths")
    world.report.check(len(deaths) == 3, f"set aside after {len(deaths)} deaths")
    check_evidence(world, node.port, run["run_id"])
    world.close_books()


def check_evidence(world, port, run_id):
    """Whoever looks sees what happened, and how often."""
    until(lambda: world.nodes["a"].is_ready(), 30, "the node is ready")
    _, run = call(port, "GET", "/v1/runs/" + run_id)
    _, history = call(port, "GET", f"/v1/runs/{run_id}/history?limit=500")
    error = run.get("error") or {}
    world.report.check(run["state"] == "failed" and error.get("error") == "Orchestrator.WorkerLost" and error.get("cause"),
                       f"the poison ends as {run['state']} with {error}")
    lost = [item for item in history["items"] if item["type"] == "TaskLost"]
    world.report.check(len(lost) >= 2, f"the history tells of {len(lost)} lost attempts")


@cell(quick=True)
def work_held_back(world):
    """SIGSTOP past the lease with a long line of ready work: after SIGCONT the node starts none of it."""
    world.start_cluster()
    world.effects.answer_after = 0.2
    frozen, other = world.start_nodes("a", "b", lease_seconds=LEASE, handler_threads=4)
    world.effects.callers.update({frozen.process.pid: "a", other.process.pid: "b"})
    world.start_load(timeout=1, rate=60)
    until(lambda: frozen.metric("orchestrator_queue_depth{") >= 20, 60, "work waits on the node")
    world.mark_fault(world.shards_of(frozen))
    frozen.signal(signal.SIGSTOP)
    until(lambda: not world.shards_of(frozen), 4 * LEASE, "the other node takes over")
    before = len(world.effects.calls)
    until(lambda: len(world.effects.calls) >= before + 60, 60, "the other node works on")
    with world.effects.lock:
        taken = {key for _, _, key, pid in world.effects.calls if pid == other.process.pid}
        continued_at = len(world.effects.calls)
    frozen.signal(signal.SIGCONT)
    world.await_acknowledged(50)
    world.effects.answer_after = 0.01
    world.close_books()
    again = [key for _, _, key, pid in world.effects.calls[continued_at:] if pid == frozen.process.pid and key in taken]
    world.report.doubled += len(again)
    world.report.check(not again, f"{len(again)} effects that the other node had begun were asked for again: {again[:3]}")
