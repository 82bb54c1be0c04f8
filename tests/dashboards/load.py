"""A little of everything: enough that each metric moves."""
import hashlib
import hmac
import json
import threading
import time

from processes import exchange

SECRET = "sk_test_dashboards"
FLOW = {
    "StartAt": "Greet",
    "States": {
        "Greet": {"Type": "Task", "Resource": "handler:echo", "Next": "Unsure"},
        "Unsure": {"Type": "Task", "Resource": "handler:fail", "Parameters": {"times": 1, "error": "Test.Flaky"},
                   "Retry": [{"ErrorEquals": ["Test.Flaky"], "IntervalSeconds": 1, "MaxAttempts": 3}],
                   "ResultPath": None, "Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Child"},
        "Child": {"Type": "Task", "Resource": "workflow:board-child", "Parameters": {}, "ResultPath": None,
                  "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": "signal:go", "Parameters": {"key.$": "$.key"}, "TimeoutSeconds": 600,
                "End": True},
    },
}
CHILD = {"StartAt": "Nap", "States": {"Nap": {"Type": "Task", "Resource": "handler:noop", "End": True}}}
BROKEN = {"StartAt": "Fail", "States": {"Fail": {"Type": "Task", "Resource": "handler:fail",
                                                  "Parameters": {"error": "Test.Gateway", "cause": "it said 503"},
                                                  "End": True}}}
DECIDE = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "decision:approve",
                                               "Parameters": {"title": "May it be sent?"}, "End": True}}}


class Load:
    """Goes on in threads of its own until `finish`."""

    def __init__(self, server):
        self.server = server
        self.number = 0
        self.ending = threading.Event()
        self.problems = []
        self.threads = [threading.Thread(target=self.keep, args=(act,), daemon=True)
                        for act in (self.turn, self.work, self.wait_for_work)]

    def begin(self):
        for name, flow in (("board-flow", FLOW), ("board-child", CHILD), ("board-broken", BROKEN),
                           ("board-decide", DECIDE)):
            self.server.must("POST", f"/v1/workflows/{name}/versions", flow)
        self.server.must("POST", "/v1/schedules", {"name": "tick", "every_seconds": 1, "time_zone": "UTC",
                                                   "handler": "noop", "overlap": "parallel"})
        self.server.must("POST", "/v1/schedules", {"name": "hourly", "cron": "0 * * * *", "time_zone": "UTC",
                                                   "handler": "noop"})
        self.server.must("POST", "/v1/webhook-endpoints", {"name": "paid", "provider": "paystack", "secrets": [SECRET],
                                                           "signal": {"name": "paid", "key": "$.data.reference"},
                                                           "options": {"allowed_sources": None}})
        self.server.must("POST", "/v1/webhook-endpoints", {"name": "unset", "provider": "paystack",
                                                           "secrets": ["env:NOT_SET_ANYWHERE"],
                                                           "signal": {"name": "paid", "key": "$.data.reference"}})
        self.server.must("POST", "/v1/runs", {"workflow": "board-decide"})
        self.server.must("POST", "/v1/jobs", {"handler": "nobody.does.this", "queue": "orphans"})
        self.server.must("POST", "/v1/queues/paused/pause", {"reason": "for the boards"})
        self.server.must("POST", "/v1/jobs", {"handler": "noop", "queue": "paused"})
        self.server.must("PUT", "/v1/queues/narrow/limits", {"max_in_flight": 1})
        for thread in self.threads:
            thread.start()
        return self

    def keep(self, act):
        while not self.ending.is_set():
            try:
                act()
            except Exception as problem:
                # Told at the end: a load that stopped makes every later finding misleading.
                if not self.ending.is_set():
                    self.problems.append(f"{act.__name__}: {problem!r}")
                return

    def turn(self):
        """Five times a second: runs, jobs, signals, webhooks, and calls that are refused."""
        self.number += 1
        n = self.number
        server = self.server
        key = f"flow-{n}"
        server.must("POST", "/v1/runs", {"workflow": "board-flow", "key": key, "input": {"key": key}})
        server.must("POST", "/v1/signals/go", {"key": f"flow-{max(n - 20, 1)}", "id": f"go-{n}"})
        if n % 5 == 0:
            server.must("POST", "/v1/runs", {"workflow": "board-broken"})
            server.must("POST", "/v1/signals/nobody", {"key": f"nobody-{n}"})
            server.must("POST", "/v1/operations", {"action": "pause", "filter": {"workflow": "board-decide"},
                                                   "reason": "for the boards"})
            server.must("POST", "/v1/jobs", {"handler": "fail", "max_attempts": 1, "input": {"error": "Test.Job"}})
            # `fail` takes no thread, so it does not count as time in a handler. This one does.
            server.must("POST", "/v1/jobs", {"handler": "sleep", "max_attempts": 1, "input": {"seconds": -1}})
        server.must("POST", "/v1/jobs/batch", {"jobs": [{"handler": "noop"}, {"handler": "echo", "queue": "mail"},
                                                        {"handler": "sleep", "input": {"seconds": 0.05},
                                                         "queue": "narrow"},
                                                        {"handler": "board.remote", "queue": "remote"}]})
        self.webhook("paid", f"evt-{n}", SECRET)
        self.webhook("paid", f"evt-{n}", SECRET)
        self.webhook("paid", f"forged-{n}", "wrong")
        self.webhook("unset", f"evt-{n}", SECRET)
        server.call("GET", "/v1/runs?limit=5")
        time.sleep(0.2)

    def webhook(self, endpoint, identity, secret):
        body = json.dumps({"event": "charge.success", "data": {"id": identity, "reference": identity}})
        signature = hmac.new(secret.encode(), body.encode(), hashlib.sha512).hexdigest()
        headers = {"x-paystack-signature": signature}
        exchange(self.server.port, "POST", f"/hooks/default/{endpoint}", body, headers, 20)

    def work(self):
        """A remote worker."""
        answer = self.server.must("POST", "/v1/queues/remote/claim", {"worker_id": "board-worker", "max_tasks": 10,
                                                                      "wait_seconds": 1, "lease_seconds": 30})
        for task in answer["tasks"]:
            self.server.must("POST", f"/v1/tasks/{task['task_token']}/complete", {"output": {}})

    def wait_for_work(self):
        """A remote worker of a queue that never has anything."""
        self.server.must("POST", "/v1/queues/empty/claim", {"worker_id": "idle-worker", "max_tasks": 1,
                                                            "wait_seconds": 2, "lease_seconds": 30})

    def finish(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
        return self.problems
