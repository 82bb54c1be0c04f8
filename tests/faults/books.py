"""Closing the books of a cell: what was acknowledged, against what is there."""
import collections
import json
import os

from engine import call
from load import WORKFLOW
from waiting import TooLate, until


class Books:
    def __init__(self, world):
        self.world = world
        self.report = world.report
        self.load = world.load
        self.cluster = world.cluster

    def check(self):
        report = self.report
        report.acknowledged += self.load.acknowledged()
        self.await_rest()
        runs = self.read_runs()
        self.check_callers(runs)
        self.check_starts(runs)
        self.check_signals()
        self.check_effects(runs)
        self.check_writes(runs)
        self.check_audit()
        self.check_logs()
        self.measure_recovery()

    def await_rest(self):
        """Every run of the load ends, and every message between shards is dealt with."""
        def is_at_rest():
            return self.cluster.value(
                f"select (select count(*) from orchestrator.open_runs where workflow = '{WORKFLOW}')"
                " + (select count(*) from orchestrator.inbox)") == "0"
        try:
            until(is_at_rest, 90, "every run ends")
        except TooLate as late:
            stuck = self.cluster.sql(f"select run_id, key, state, waiting_on, attempts from orchestrator.open_runs"
                                     f" where workflow = '{WORKFLOW}' order by run_id limit 5")
            self.report.check(False, f"{late}; still open: {stuck}")

    def read_runs(self):
        """Key → [(run id, state, output)], of both open and closed runs."""
        runs = collections.defaultdict(list)
        for run_id, key, state, output in self.cluster.sql(
                f"select run_id, key, state, null from orchestrator.open_runs where workflow = '{WORKFLOW}' union all "
                f"select run_id, key, state, output::text from orchestrator.closed_runs where workflow = '{WORKFLOW}'"):
            runs[key].append((run_id, state, output))
        return runs

    def check_callers(self, runs):
        report, load = self.report, self.load
        report.check(not load.unexpected, f"answers that no fault excuses: {load.unexpected[:3]}")
        report.check(not load.unfinished, f"never acknowledged, hence never finished: {load.unfinished[:5]}")
        strangers = set(runs) - load.begun
        report.check(not strangers, f"runs that nobody asked for: {sorted(strangers)[:5]}")

    def check_starts(self, runs):
        report = self.report
        for key, run_id in self.load.starts.items():
            found = runs.get(key, [])
            if run_id not in [run[0] for run in found]:
                report.lost += 1
                report.check(False, f"the acknowledged run {run_id} of {key} is lost")
        for key, found in runs.items():
            if len(found) > 1:
                report.doubled += 1
                report.check(False, f"{key} was started {len(found)} times")
            for run_id, state, output in found:
                right = state == "succeeded" and json.loads(output).get("key") == key
                report.check(right, f"run {run_id} of {key} is {state} with {output}")

    def check_signals(self):
        report = self.report
        signals = {}
        consumed = collections.Counter()
        for signal_id, key, fate in self.cluster.sql(
                "select signal_id, key, fate from orchestrator.signals where name = 'go'"):
            signals[signal_id] = fate
            consumed[key] += fate == "consumed"
        for key, signal_id in self.load.signals.items():
            if signal_id not in signals:
                report.lost += 1
                report.check(False, f"the acknowledged signal {signal_id} of {key} is lost")
            elif signals[signal_id] != "consumed":
                report.check(False, f"the signal {signal_id} of {key} is {signals[signal_id]}")
        twice = [key for key, times in consumed.items() if times > 1]
        report.doubled += len(twice)
        report.check(not twice, f"signals consumed twice: {twice[:5]}")

    def check_effects(self, runs):
        """Outside effects: all calls of a step carry one key, so the outside acts once."""
        report = self.report
        calls = self.world.effects.keys_by_subject()
        repeated = 0
        for key in runs:
            keys = calls.get(key, {})
            if len(keys) != 1 or "" in keys:
                report.doubled += len(keys) > 1
                report.check(False, f"the effect of {key} was asked for under {len(keys)} idempotency keys")
            repeated += sum(keys.values()) - 1
        if repeated:
            report.notes.append(f"{repeated} calls repeated under their key")

    def check_writes(self, runs):
        """Transactional effects: exactly one committed transaction per step."""
        report = self.report
        writes = {subject: int(times) for subject, times in self.cluster.sql(
            "select subject, count(*) from public.fault_writes group by 1")}
        for key in runs:
            times = writes.get(key, 0)
            if times != 1:
                report.doubled += times > 1
                report.check(False, f"the transactional step of {key} was committed {times} times")
        kept = int(self.cluster.value("select count(distinct subject) from backend.notifications where kind = 'fault'"))
        report.check(kept == len(writes), f"{kept} notifications for {len(writes)} committed writes")

    def check_audit(self):
        """The audit of the sample back end, as a run like any other."""
        folder = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "workflows")
        with open(os.path.join(folder, "sample-audit.asl.json"), encoding="utf-8") as text:
            self.world.deploy("sample-audit", json.load(text))
        status, run = call(self.world.any_port(), "POST", "/v1/runs?wait=30", {"workflow": "sample-audit"}, timeout=60)
        clean = status == 200 and run["state"] == "succeeded" and not run["output"].get("broken")
        self.report.check(clean, f"the audit answers {status} {run}")

    def check_logs(self):
        for node in self.world.nodes.values():
            for line in node.errors():
                expected = any(f'"event":"{event}"' in line for event in self.world.expected_errors)
                self.report.check(expected, f"node {node.name} logged {line}")

    def measure_recovery(self):
        """From the fault to the commit of the first step that was decided after it, on a shard that it hit."""
        if self.world.fault_at is None:
            return
        shards = self.world.faulted_shards
        of_shards = f"and shard = any ('{{{','.join(map(str, shards))}}}')" if shards else ""
        seconds = self.cluster.value(
            f"select extract(epoch from min(pg_xact_commit_timestamp(xmin))) - {self.world.fault_at!r}"
            " from orchestrator.journal"
            f" where at > to_timestamp({self.world.fault_at!r}) and events like '%TaskSucceeded%' {of_shards}")
        self.report.check(seconds != "", "no step was completed after the fault")
        if seconds:
            self.report.recovery = float(seconds)
