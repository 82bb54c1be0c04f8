"""The load: starts short workflows and signals them without end, and writes down each acknowledgement."""
import http.client
import itertools
import threading
import time

from engine import call

WORKFLOW = "fault-probe"
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 60}]
# While a fault lasts these are the right answers: nothing was acknowledged, and the same key may ask again.
TRY_AGAIN = {503, "idempotency-in-flight"}


def definition(effect_url):
    """A plain step, an outside effect, a transactional step, a wait, and a last step."""
    return {
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Task", "Resource": "handler:echo", "Next": "Effect"},
            "Effect": {"Type": "Task", "Resource": "handler:http.request", "Retry": RETRY, "ResultPath": None,
                       "Parameters": {"method": "POST", "url": effect_url, "body": {"key.$": "$.key"},
                                      "timeout_seconds": 10},
                       "Next": "Write"},
            "Write": {"Type": "Task", "Resource": "handler:notification.add", "Retry": RETRY, "ResultPath": None,
                      "Parameters": {"recipient": "nobody", "kind": "fault", "subject.$": "$.key", "body": {}},
                      "Next": "AwaitGo"},
            "AwaitGo": {"Type": "Task", "Resource": "signal:go", "Parameters": {"key.$": "$.key"},
                        "ResultPath": "$.go", "Next": "Finish"},
            "Finish": {"Type": "Task", "Resource": "handler:echo", "InputPath": "$.go.payload", "End": True},
        },
    }


class Load:
    """`threads` callers, together at most `rate` runs per second. Half of the signals come before their run."""

    def __init__(self, ports, prefix="r", threads=12, rate=100, timeout=3):
        self.ports = list(ports)
        self.prefix = prefix
        self.timeout = timeout
        self.interval = threads / rate
        self.numbers = itertools.count(1)
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.starts = {}  # key → run id
        self.signals = {}  # key → signal id
        self.begun = set()  # keys of which at least one request was sent
        self.unfinished = []  # keys that were given up
        self.unexpected = []
        self.refused = 0  # answers that said: try again
        self.give_up_at = None
        self.threads = [threading.Thread(target=self.play, daemon=True) for _ in range(threads)]

    def begin(self):
        for thread in self.threads:
            thread.start()
        return self

    def acknowledged(self):
        with self.lock:
            return len(self.starts) + len(self.signals)

    def finish(self, patience=90):
        """No new runs; what was begun is asked for until it is acknowledged."""
        self.give_up_at = time.monotonic() + patience
        self.stopping.set()
        for thread in self.threads:
            thread.join(patience + 2 * self.timeout)

    def play(self):
        while not self.stopping.is_set():
            began = time.monotonic()
            number = next(self.numbers)
            key = f"{self.prefix}{number}"
            with self.lock:
                self.begun.add(key)
            calls = [(self.starts, "run_id", "/v1/runs",
                      {"workflow": WORKFLOW, "key": key, "input": {"key": key}}, "start-" + key),
                     (self.signals, "signal_id", "/v1/signals/go",
                      {"key": key, "payload": {"key": key}, "id": "go-" + key}, None)]
            if number % 2:
                calls.reverse()
            for call_of_run in calls:
                if not self.ask(number, key, *call_of_run):
                    with self.lock:
                        self.unfinished.append(key)
                    break
            self.stopping.wait(max(0.0, self.interval - (time.monotonic() - began)))

    def ask(self, number, key, book, member, path, body, idempotency_key):
        """Repeats the request, at one node after the other, until one acknowledges it."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        for attempt in itertools.count():
            port = self.ports[(number + attempt) % len(self.ports)]
            try:
                status, answer = call(port, "POST", path, body, headers, self.timeout)
            except (OSError, http.client.HTTPException):
                status, answer = 503, {}
            if status in (200, 201, 202):
                with self.lock:
                    book[key] = answer[member]
                return True
            slug = str(answer.get("type", "")).rsplit("/", 1)[-1] if isinstance(answer, dict) else ""
            if status not in TRY_AGAIN and slug not in TRY_AGAIN:
                with self.lock:
                    self.unexpected.append(f"{path} {key}: {status} {answer}")
                return False
            with self.lock:
                self.refused += 1
            if self.give_up_at and time.monotonic() > self.give_up_at:
                return False
            time.sleep(0.05)
        return False
