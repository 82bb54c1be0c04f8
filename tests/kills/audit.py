"""What must hold after all the kills: what was acknowledged, against the ledger and the server."""
import collections
import json

from engine import call


class Audit:
    """`failures` are broken promises, `notes` what happened."""

    def __init__(self, producers, acknowledged, ledger, cluster, port):
        self.producers = producers
        self.acknowledged = acknowledged
        self.cluster = cluster
        self.port = port
        self.failures = []
        self.notes = []
        with open(ledger, encoding="utf-8") as lines:
            self.lines = [json.loads(line) for line in lines]
        self.outputs = {}  # run id → output, of what has succeeded

    def check(self):
        self.check_callers()
        self.check_runs()
        self.check_answers()
        self.check_completions()
        self.check_effects()
        self.check_lines()
        self.check_concurrency()
        return self

    def demand(self, holds, sentence):
        if not holds:
            self.failures.append(sentence)

    def check_callers(self):
        producers = self.producers
        self.demand(not producers.unexpected, f"answers that no kill excuses: {producers.unexpected[:3]}")
        self.demand(not producers.unfinished, f"{producers.unfinished} requests were never acknowledged")
        self.demand(not self.acknowledged.unexpected, f"workers were told: {self.acknowledged.unexpected[:3]}")

    def check_runs(self):
        """Each accepted job is one run, which ended once, well, and nothing is left over."""
        runs = collections.defaultdict(list)
        for run_id, number, state, output in self.cluster.sql(
                "select run_id, input ->> 'number', state, output::text from orchestrator.closed_runs"):
            runs[int(number)].append((run_id, state))
            self.outputs[run_id] = json.loads(output) if output else None
        for number, run_id in self.producers.accepted.items():
            found = runs.get(number, [])
            self.demand(found == [(run_id, "succeeded")], f"job {number}, accepted as {run_id}, became {found}")
        strangers = set(runs) - set(self.producers.accepted)
        self.demand(not strangers, f"jobs that nobody was promised: {sorted(strangers)[:5]}")
        for table in ("open_runs", "inbox", "task_leases"):
            left = self.cluster.value(f"select count(*) from orchestrator.{table}")
            self.demand(left == "0", f"{left} rows are left in {table}")

    def check_answers(self):
        """What the API shows is what the table holds."""
        for number, run_id in self.producers.accepted.items():
            status, run = call(self.port, "GET", "/v1/runs/" + run_id)
            right = status == 200 and run["state"] == "succeeded" and run["output"] == self.outputs.get(run_id)
            self.demand(right, f"job {number} is shown as {status} {run}")
            entry = self.producers.entries[number]
            if entry["handler"] == "echo":
                self.demand(run["output"] == entry["input"], f"job {number} echoes {run['output']}")
            else:
                enough = run["attempts"] > entry["input"]["failures"]
                self.demand(enough, f"job {number} ended in attempt {run['attempts']}, which should have failed")

    def check_completions(self):
        """An outcome may be acknowledged twice, when its first answer was lost; but never two of them."""
        acknowledged = collections.defaultdict(set)
        by_worker = collections.Counter()
        for run_id, output, worker in self.acknowledged.completions:
            acknowledged[run_id].add(output["effect"])
            by_worker[worker] += 1
            shown = self.outputs.get(run_id)
            self.demand(shown == output, f"run {run_id} was acknowledged with {output} and shows {shown}")
        doubled = [run_id for run_id, effects in acknowledged.items() if len(effects) > 1]
        self.demand(not doubled, f"acknowledged with two results: {doubled[:5]}")
        self.notes.append("completions acknowledged: " + ", ".join(
            f"{worker} {count}" for worker, count in sorted(by_worker.items())))
        for worker, count in by_worker.items():
            self.demand(count * 20 >= sum(by_worker.values()), f"{worker} had hardly a share of the work: {count}")
        self.demand(len(by_worker) == 3, f"only {sorted(by_worker)} worked")

    def check_effects(self):
        """The effect that a run shows was carried out, and all effects of a run carry its one idempotency key."""
        done = {line["effect"] for line in self.lines if line["kind"] == "done"}
        keys = collections.defaultdict(set)
        begun = collections.Counter()
        for line in self.lines:
            keys[line["run_id"]].add(line["key"])
            begun[line["run_id"]] += line["kind"] == "begun"
        owners = collections.Counter(key for of_run in keys.values() for key in of_run)
        for number, run_id in self.producers.accepted.items():
            if self.producers.entries[number]["handler"] == "echo":
                continue
            output = self.outputs.get(run_id) or {}
            self.demand(output.get("effect") in done, f"job {number} shows {output}, which nobody did")
            self.demand(len(keys[run_id]) == 1, f"the effects of job {number} have the keys {sorted(keys[run_id])}")
        self.demand(all(count == 1 for count in owners.values()), "two runs have one idempotency key")
        excess = sum(begun.values()) - sum(
            1 + self.producers.entries[number]["input"]["failures"]
            for number, run_id in self.producers.accepted.items() if run_id in begun)
        self.notes.append(f"{sum(begun.values())} attempts, {excess} of them because a process died")

    def recorded(self, *members):
        """Texts of these members → [(number, place of the recorded attempt's beginning, of its end)]. Places in the ledger."""
        places = {(line["kind"], line["effect"]): place for place, line in enumerate(self.lines)}
        found = collections.defaultdict(list)
        for number, run_id in self.producers.accepted.items():
            job = self.producers.entries[number]
            key = tuple(job[member] for member in members) if members[0] in job else None
            effect = (self.outputs.get(run_id) or {}).get("effect")
            if key and ("done", effect) in places:
                found[key].append((number, places["begun", effect], places["done", effect]))
        return found

    def check_lines(self):
        """Strict order: nothing of a job begins before the recorded end of the one accepted before it."""
        first = {}
        for place, line in enumerate(self.lines):
            first.setdefault(line["number"], place)
        found = self.recorded("order_key")
        for key, jobs in found.items():
            jobs.sort()
            for (before, _, ended), (after, *_) in zip(jobs, jobs[1:]):
                self.demand(first[after] > ended, f"{key[0]}: job {after} began before {before} had ended")
        self.notes.append(f"{sum(map(len, found.values()))} jobs in {len(found)} ordered lines")

    def check_concurrency(self):
        """One of a key and queue at a time, among the attempts that counted: one that a dead node had handed out may still be at work."""
        for key, jobs in self.recorded("concurrency_key", "queue").items():
            jobs.sort(key=lambda job: job[1])
            for (one, _, ended), (other, begun, _) in zip(jobs, jobs[1:]):
                self.demand(begun > ended, f"{key[0]}: jobs {one} and {other} ran at the same time")
