"""Callers that enqueue jobs of every kind and write down what was acknowledged."""
import http.client
import itertools
import random
import threading
import time

from engine import call

QUEUES = ("ledger-a", "ledger-b")
RETRY = {"kind": "fixed", "initial_seconds": 0.05}
ORDERED_LINES = 4
CONCURRENCY_KEYS = 4
BATCH = 20


class Producers:
    """One thread per ordered line, one for single jobs, one for batches. Each waits for its acknowledgement before the
    next, so that the order of acceptance is the order of numbers; what is not acknowledged is asked again."""

    def __init__(self, ports, seed):
        self.ports = ports
        self.seed = seed
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.accepted = {}  # number → run id
        self.entries = {}  # number → job as asked
        self.unexpected = []
        self.unfinished = 0
        self.stopping = threading.Event()
        self.give_up_at = None
        plays = [(self.play_line, f"line-{i}") for i in range(ORDERED_LINES)]
        plays += [(self.play_singles, "singles"), (self.play_batches, "batches")]
        self.threads = [threading.Thread(target=self.play, args=one, daemon=True) for one in plays]

    def begin(self):
        for thread in self.threads:
            thread.start()
        return self

    def finish(self, patience=90):
        self.give_up_at = time.monotonic() + patience
        self.stopping.set()
        for thread in self.threads:
            thread.join(patience + 30)

    def play(self, produce, name):
        chance = random.Random(f"{self.seed} {name}")
        while not self.stopping.is_set():
            produce(name, chance)

    # -- what is enqueued

    def new_job(self, chance, **members):
        number = next(self.numbers)
        work_ms = 1200 if chance.random() < 0.01 else chance.randrange(30)
        entry = {"number": number, "failures": chance.choice([0] * 8 + [1, 2]), "work_ms": work_ms}
        job = {"handler": "ledger.add", "queue": chance.choice(QUEUES), "input": entry, "max_attempts": 50, "retry": RETRY,
               "priority": chance.randrange(-3, 4), **members}
        with self.lock:
            self.entries[number] = job
        return job

    def play_line(self, name, chance):
        self.enqueue(self.new_job(chance, order_key=name), chance)
        self.stopping.wait(0.15)

    def play_singles(self, _, chance):
        kind = chance.random()
        if kind < 0.4:
            self.enqueue(self.new_job(chance, concurrency_key=f"one-{chance.randrange(CONCURRENCY_KEYS)}"), chance)
        elif kind < 0.7:
            self.enqueue(self.new_job(chance, delay_seconds=round(chance.random() * 2, 3)), chance)
        else:
            self.enqueue_unique(chance)
        self.stopping.wait(0.1)

    def play_batches(self, _, chance):
        jobs = [self.new_job(chance) for _ in range(BATCH)]
        for job in jobs:
            # Names the work whatever becomes of the request, so that a refused item can be asked for again alone.
            job["unique"] = {"key": f"n-{job['input']['number']}", "within_seconds": 86400}
            if chance.random() < 0.3:
                job["handler"] = "echo"
        answer = self.ask("/v1/jobs/batch", {"jobs": jobs}, f"batch-{jobs[0]['input']['number']}", chance)
        for job, item in zip(jobs, answer["items"] if answer else [], strict=bool(answer)):
            if "run_id" in item:
                self.note(job, item["run_id"])
            elif item["error"]["status"] == 503:
                self.enqueue(job, chance)
            else:
                self.note_unexpected(f"item {item}")
        self.stopping.wait(0.5)

    def enqueue(self, job, chance):
        answer = self.ask("/v1/jobs", job, f"job-{job['input']['number']}", chance)
        if answer:
            self.note(job, answer["run_id"])
        return answer

    def enqueue_unique(self, chance):
        """Twice, as two callers would: the second is told of the first."""
        job = self.new_job(chance)
        job["unique"] = {"key": f"n-{job['input']['number']}", "within_seconds": 86400}
        first = self.enqueue(job, chance)
        second = first and self.ask("/v1/jobs", job, f"again-{job['input']['number']}", chance)
        if second and second["run_id"] != first["run_id"]:
            self.note_unexpected(f"one unique key, two jobs: {first} {second}")

    # -- how

    def note(self, job, run_id):
        with self.lock:
            self.accepted[job["input"]["number"]] = run_id

    def note_unexpected(self, sentence):
        with self.lock:
            self.unexpected.append(sentence)

    def count(self):
        with self.lock:
            return len(self.accepted)

    def ask(self, path, body, key, chance):
        """Repeats the request, at either node, until one acknowledges it; None when the test is over before."""
        while True:
            try:
                status, answer = call(chance.choice(self.ports), "POST", path, body, {"Idempotency-Key": key}, 8)
            except (OSError, http.client.HTTPException):
                status, answer = 503, {}
            if status in (200, 201):
                return answer
            slug = str(answer.get("type", "")).rsplit("/", 1)[-1] if isinstance(answer, dict) else ""
            if status != 503 and slug != "idempotency-in-flight":
                self.note_unexpected(f"{path}: {status} {answer}")
                return None
            if self.give_up_at and time.monotonic() > self.give_up_at:
                with self.lock:
                    self.unfinished += 1
                return None
            time.sleep(0.05)
