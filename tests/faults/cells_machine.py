"""Faults of the machine: its disks and its clock."""
import json
import os
import struct
import subprocess
import threading

from cells import Skipped, cell
from engine import call
from postgres import give_to_postgres
from waiting import pass_time, until


def small_disk(world, name, megabytes):
    """A file system of its own that can be filled to the brim."""
    folder = os.path.join(world.folder, name)
    os.makedirs(folder)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "faults", folder],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise Skipped(f"needs the right to mount: {mounted.stderr.strip()}")
    world.closing.append(lambda: subprocess.run(["umount", "-l", folder], check=True))
    return folder


def fill(folder):
    """Takes every byte that is left; answers the file to remove."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 65536)
        except OSError:
            pass
    return path


def await_refusals(world):
    """Callers are told to try again, and nothing else."""
    refused = world.load.refused
    until(lambda: world.load.refused >= refused + 20, 90, "the full disk is felt")


@cell()
def disk_full_of_data(world):
    """The disk of the tables is full for three seconds: 503, and on it goes once there is room."""
    disk = small_disk(world, "disk", 256)
    wal = os.path.join(world.folder, "wal")
    world.start_cluster(data=os.path.join(disk, "data"), wal=wal)
    world.start_node("a")
    world.start_load()
    filler = fill(disk)
    await_refusals(world)
    pass_time(3)
    os.remove(filler)
    world.mark_fault()
    world.close_books()


@cell()
def disk_full_of_wal(world):
    """The disk of the write-ahead log is full: PostgreSQL panics, and is started again once there is room."""
    disk = small_disk(world, "disk", 128)
    give_to_postgres(disk)
    world.start_cluster(wal=os.path.join(disk, "wal"))
    world.start_node("a")
    world.start_load()
    filler = fill(disk)

    def has_panicked():
        with open(world.cluster.log, encoding="utf-8") as log:
            if "PANIC" in log.read():
                return True
        try:
            world.cluster.sql("select pg_switch_wal()", timeout=5)
        except subprocess.SubprocessError:
            pass
        return False

    until(has_panicked, 60, "PostgreSQL runs out of room")
    await_refusals(world)
    os.remove(filler)
    world.mark_fault()
    if not world.cluster.answers():
        world.cluster.stop()
        world.cluster.start()
    world.close_books()


TIMER = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 4, "Next": "Done"},
                                       "Done": {"Type": "Pass", "End": True}}}


@cell()
def wall_clock_wrong(world):
    """The wall clock of one of two nodes is an hour ahead, then an hour behind, then back: nothing shows it."""
    offset = os.path.join(world.folder, "offset")

    def step(seconds):
        with open(offset, "r+b" if os.path.exists(offset) else "w+b", buffering=0) as file:
            file.write(struct.pack("q", seconds))

    library = os.path.join(world.folder, "wall_clock.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wall_clock.c")
    subprocess.run(["clang-19", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    step(3600)
    world.start_cluster()
    wrong = world.new_node("a")
    wrong.environment.update(LD_PRELOAD=library, WALL_CLOCK_OFFSET=offset)
    right = world.new_node("b")
    for node in (wrong, right):
        node.launch()
    world.wait_for_balance([wrong, right])
    world.start_load()
    world.deploy("fault-timer", TIMER)
    timers = [threading.Thread(target=run_timer, args=(world, node.port)) for node in (wrong, right) for _ in range(16)]
    for timer in timers:
        timer.start()
    world.mark_fault()
    step(-3600)
    pass_time(2)
    step(0)
    for timer in timers:
        timer.join()
    world.close_books()
    check_times(world, wrong)


def run_timer(world, port):
    status, run = call(port, "POST", "/v1/runs?wait=20", {"workflow": "fault-timer"}, timeout=30)
    world.report.check(status == 200 and run["state"] == "succeeded", f"a timer's run answers {status} {run}")


def check_times(world, wrong):
    """Every moment that was written down is the database's."""
    sql, report = world.cluster.value, world.report
    report.check(sql("select count(*) from orchestrator.journal where abs(extract(epoch from now() - at)) > 300") == "0",
                 "journal rows carry the node's clock")
    report.check(sql("select count(*) from orchestrator.closed_runs"
                     " where abs(extract(epoch from now() - created_at)) > 300"
                     " or abs(extract(epoch from now() - closed_at)) > 300") == "0", "runs carry the node's clock")
    report.check(sql("select count(*) from orchestrator.nodes where lease_until > now() + interval '1 minute'"
                     " or lease_until < now() - interval '1 minute'") == "0", "leases carry the node's clock")
    late = sql("select count(*) from orchestrator.closed_runs where workflow = 'fault-timer' and"
               " extract(epoch from closed_at - started_at) not between 4 and 6")
    report.check(late == "0", f"{late} timers of 4 s fired early or more than 2 s late")
    report.check(sql("select count(*) from orchestrator.closed_runs where workflow = 'fault-timer'") == "32",
                 "not every timer fired")
    with open(wrong.log, encoding="utf-8") as log:
        first = json.loads(log.readline())["ts"]
    ahead = sql(f"select extract(epoch from timestamptz '{first}' - now()) > 3000")
    report.check(ahead == "t", f"the wall clock of the node was not wrong: its log begins at {first}")
