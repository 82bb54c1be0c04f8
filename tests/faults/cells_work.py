"""Work that kills, and work that must be held back."""
import os
import signal

from cells import cell
from engine import call
from load import RETRY
from waiting import until

LEASE = 3
POISON_LIMIT = 3
SLOTS = 4


def poison(effect_url):
    return {"StartAt": "Poison", "States": {"Poison": {
        "Type": "Task", "Resource": "handler:http.request", "End": True, "Retry": RETRY,
        "Parameters": {"method": "POST", "url": effect_url, "body": {"key": "poison"}, "timeout_seconds": 10}}}}


@cell(quick=True)
def poison_step(world):
    """A step kills its node each time it is performed: it is set aside with its evidence, and everything else goes on."""
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
    # The first blames nobody; then it is handed out again as often as ORCHESTRATOR_POISON_LIMIT says, and once more lost.
    world.report.check(len(deaths) == POISON_LIMIT + 2, f"set aside after {len(deaths)} deaths")
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
    world.report.check(len(lost) == POISON_LIMIT + 1, f"the history tells of {len(lost)} lost attempts")


CHAIN = {"StartAt": "S0", "States": {
    **{f"S{i}": {"Type": "Task", "Resource": "handler:echo", "Next": f"S{i + 1}"} for i in range(20)},
    "S20": {"Type": "Succeed"}}}


@cell(quick=True)
def burst_killed(world):
    """kill -9 in the middle of thousands of runs of instant steps: far more work is suspect than may be in hand at once."""
    world.start_cluster()
    node = world.start_node("a")
    world.start_load(rate=20)
    world.deploy("fault-chain", CHAIN)
    closed = "select count(*) from orchestrator.closed_runs where workflow = 'fault-chain'"
    for burst in range(3):
        body = {"runs": [{"workflow": "fault-chain", "key": f"c{burst}-{number}"} for number in range(3000)]}
        status, _ = call(node.port, "POST", "/v1/runs/batch", body, timeout=60)
        world.report.check(status == 201, f"the batch answers {status}")
        world.mark_fault()
        node.kill()
        node.start()
        until(lambda: int(world.cluster.value(closed)) == 3000 * (burst + 1), 60, "every run of the burst ends")
    world.report.check(world.cluster.value(closed + " and state <> 'succeeded'") == "0", "a run of the burst failed")
    world.close_books(more=20)


@cell(quick=True)
def work_held_back(world):
    """SIGSTOP past the lease with a long line of ready work: after SIGCONT the node starts none of it."""
    world.start_cluster()
    world.effects.answer_after = 1.0
    frozen, other = world.start_nodes("a", "b", lease_seconds=LEASE, handler_threads=SLOTS)
    world.effects.callers.update({frozen.process.pid: "a", other.process.pid: "b"})
    world.start_load(timeout=1, rate=60)
    until(lambda: frozen.metric("orchestrator_queue_depth{") >= 20, 60, "work waits on the node")
    shards = world.shards_of(frozen)
    # All its slots wait for the outside: none is between its look at the lease and its call.
    until(lambda: world.effects.in_progress(frozen.process.pid) == SLOTS, 30, "every slot is busy")
    frozen.signal(signal.SIGSTOP)
    world.mark_fault(shards)
    until(lambda: not world.shards_of(frozen), 4 * LEASE, "the other node takes over")
    before = len(world.effects.calls)
    world.effects.answer_after = 0.05
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
