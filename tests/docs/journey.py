"""Brings a server into the states in which each operation can be called, and calls it there. Bodies come from the document."""
import hashlib
import hmac
import json

from real_server import until

SECRET = "a-secret-of-the-shop"
SETTINGS = {"SHOP_SECRET": SECRET, "SHOP_SECRET_NEW": SECRET + "-new", "EVOLUTION_KEY": "header:apikey=evo",
            "WHATSAPP_SECRET": "whatsapp-secret"}

ASK = {"StartAt": "Ask", "States": {"Ask": {
    "Type": "Task", "Resource": "decision:approve", "End": True,
    "Parameters": {"title": "Pay it?", "roles": ["operator"], "schema": {"type": "object"}}}}}


def travel(caller):
    for part in (process, workflows, runs, streams, operations, signals, jobs, queues, workers, decisions, schedules, webhooks,
                 administration):
        part(caller)


def process(caller):
    caller.call("getFrontPage")
    caller.call("getLive")
    caller.call("getReady")
    caller.call("getMetrics")
    caller.call("getOpenApi")


def workflows(caller):
    caller.call("deployWorkflow", 201)
    caller.call("deployWorkflow", 200)
    caller.call("listWorkflows")
    caller.call("getWorkflow")
    caller.call("getWorkflowGraph")
    caller.call("getWorkflowVersion")
    caller.call("getWorkflowVersion", 404, version=9)
    caller.call("getWorkflowVersionGraph")
    caller.call("deployWorkflow", 422, body={"StartAt": "Nowhere", "States": {}})


def has_ended(caller, run_id):
    return caller.call("getRun", id=run_id)["closed_at"] is not None


def runs(caller):
    visit = caller.call("startRun", 201)["run_id"]
    caller.call("startRun", 409)
    caller.call("startRun", 404, body={"workflow": "nobody-has-deployed-it"})
    both = [item["run_id"] for item in caller.call("startRuns", 201)["items"]]
    caller.call("listRuns")
    caller.call("listRuns", state="waiting", limit=1)
    caller.call("listRuns", 400, limit=0)
    caller.call("getRun", id=visit)
    caller.call("getRun", 404, id="none")
    caller.call("editRun", 202, id=visit)
    caller.call("signalRun", 202, id=visit, name="name")
    until(lambda: has_ended(caller, visit), "the run has its name")
    caller.call("getRunHistory", id=visit)
    caller.call("signalRun", 409, id=visit, name="name")
    caller.call("cancelRun", 409, id=visit)
    caller.call("cancelRun", 202, id=both[0])
    until(lambda: has_ended(caller, both[0]), "the run is cancelled")
    caller.call("retryRun", 202, id=both[0])
    caller.call("retryRun", 409, id=both[1])
    ended = caller.call("startRun", 200, body={"workflow": "greet", "input": {"visitor": "v-9"}, "key": "visit-1",
                                               "on_closed": "return_existing"}, wait=1)
    assert ended["run_id"] == visit, ended


def streams(caller):
    run = caller.call("startRun", 201, body={"workflow": "greet", "input": {"visitor": "v-8"}})["run_id"]
    caller.listen("streamEvents", lambda event: event["type"] == "ExecutionStarted",
                  begun=lambda: caller.call("startRun", 201, body={"workflow": "greet", "input": {"visitor": "v-6"}}))
    caller.call("signalRun", 202, id=run, name="name")
    caller.listen("streamRunEvents", lambda event: event["type"] == "ExecutionSucceeded", id=run)
    caller.call("streamRunEvents", 404, id="none")
    caller.call("streamEvents", 400, state="gone")


def operations(caller):
    waiting = caller.call("startRun", 201, body={"workflow": "greet", "input": {"visitor": "v-20"}})["run_id"]
    caller.call("pauseRun", 202, id=waiting)
    caller.call("getRun", id=waiting)
    caller.call("resumeRun", 202, id=waiting)
    caller.call("skipRun", 202, id=waiting)
    until(lambda: has_ended(caller, waiting), "the skipped run has ended")
    caller.call("pauseRun", 409, id=waiting)
    caller.call("startOperation", 200, body={"action": "cancel", "filter": {"workflow": "greet"}, "reason": "tidy",
                                             "dry_run": True})
    caller.call("startRun", 201, body={"workflow": "greet", "input": {"visitor": "v-21"}})
    begun = caller.call("startOperation", 202)["operation_id"]
    until(lambda: caller.call("getOperation", id=begun)["state"] == "done", "the operation is done")
    caller.call("stopOperation", 409, id=begun)
    caller.call("listOperations")
    caller.call("getOperation", 404, id="none")
    slow = caller.call("startOperation", 202, body={"action": "resume", "filter": {"state": "paused"}, "reason": "again",
                                                    "rate_per_second": 1})["operation_id"]
    caller.call("listRuns", state="paused")
    caller.call("getOperation", id=slow)


def signals(caller):
    caller.call("sendSignal", 202)
    duplicate = caller.call("sendSignal", 202)
    assert duplicate["fate"] == "duplicate", duplicate
    started = caller.call("sendSignal", 200, wait=10,
                          body={"key": "v-7", "payload": {"visitor": "v-7"}, "start": {"workflow": "greet"}})
    assert started["fate"] == "consumed", started
    caller.call("listSignals")
    caller.call("getSignal", signal=duplicate["signal_id"])
    caller.call("getSignal", 404, signal="none")
    caller.call("replaySignal", 409, signal=started["signal_id"])
    lost = caller.call("sendSignal", 202, body={"key": "v-lost", "payload": {"name": "Ada"}, "id": "form-18"})
    moved = caller.call("retargetSignal", 202, signal=lost["signal_id"])
    caller.call("retargetSignal", 409, signal=lost["signal_id"])
    assert moved["origin_signal_id"] == lost["signal_id"], moved
    until(lambda: caller.call("getSignal", signal=moved["signal_id"])["reason"] is None, "the new signal is picked up")
    caller.call("replaySignal", 404, signal="00000000-0000-7000-8000-000000000000")
    caller.call("replaySignal", 202, signal=moved["signal_id"])


def dead_letters(caller):
    page = caller.call("listDeadLetters")["items"]
    return [item["run_id"] for item in page]


def jobs(caller):
    caller.call("enqueueJob", 201)
    caller.call("enqueueJob", 200)
    caller.call("enqueueJobs", 201)
    lost = {"handler": "fail", "input": {"error": "Shop.Closed", "cause": "it is Sunday"}, "max_attempts": 1}
    for _ in range(2):
        job = caller.call("enqueueJob", 201, body=lost)["run_id"]
        until(lambda: has_ended(caller, job), "the job has failed")
        caller.call("getRun", id=job)
        caller.call("getRunHistory", id=job)
    first, second = until(lambda: len(found := dead_letters(caller)) == 2 and found, "two dead letters")
    caller.call("discardDeadLetter", id=first)
    caller.call("discardDeadLetter", 409, id=first)
    caller.call("retryDeadLetter", 202, id=second)


def queues(caller):
    caller.call("putQueueLimits")
    caller.call("pauseQueue")
    held = caller.call("enqueueJob", 201, body={"handler": "noop"})["run_id"]
    until(lambda: caller.call("getRun", id=held)["waiting_on"][0]["kind"] == "queue_paused", "the job waits for its queue")
    caller.call("listQueues")
    caller.call("resumeQueue")
    until(lambda: has_ended(caller, held), "the job is done")


def workers(caller):
    caller.call("enqueueJobs", 201, body={"jobs": [{"handler": "report.render"}] * 4})
    tasks = {}

    def claim():
        for task in caller.call("claimTasks", body=None)["tasks"]:
            tasks[task["task_token"]] = task
        return len(tasks) == 4

    until(claim, "four tasks are claimed")
    done, failed, released, _ = tasks
    caller.call("heartbeatTask", token=done)
    caller.call("completeTask", token=done)
    caller.call("failTask", token=failed)
    caller.call("releaseTask", token=released)
    caller.call("completeTask", 409, token=failed)


def decisions(caller):
    caller.call("deployWorkflow", 201, name="ask", body=ASK)
    asking = caller.call("startRun", 201, body={"workflow": "ask"})["run_id"]
    open_ones = until(lambda: caller.call("listDecisions")["items"], "the decision is open")
    assert open_ones[0]["run_id"] == asking, open_ones
    caller.call("getRun", id=asking)


def schedules(caller):
    caller.call("putCalendar", 201)
    caller.call("putCalendar", 200)
    caller.call("getCalendar")
    caller.call("listCalendars")
    caller.call("createSchedule", 201)
    caller.call("createSchedule", 409)
    caller.call("getSchedule")
    caller.call("listSchedules")
    caller.call("previewSchedule")
    caller.call("previewRule")
    caller.call("triggerSchedule", 201)
    caller.call("backfillSchedule", 202)
    until(lambda: len(caller.call("listFires")["items"]) >= 2, "the trigger and the backfill have their rows")
    caller.call("pauseSchedule")
    caller.call("resumeSchedule")
    caller.call("putSchedule")
    caller.call("getSchedule")
    caller.call("deleteSchedule", 204)
    caller.call("deleteSchedule", 404)
    caller.call("deleteCalendar", 204)


def signed(body):
    return {"X-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def webhooks(caller):
    caller.call("createWebhookEndpoint", 201)
    caller.call("createWebhookEndpoint", 409)
    caller.call("listWebhookEndpoints")
    caller.call("putWebhookEndpoint")
    caller.call("getWebhookEndpoint")
    body = json.dumps(caller.document.operations["receiveWebhook"].json_body()[1]).encode()
    caller.call("receiveWebhook", 200, body=body, headers=signed(body))
    caller.call("receiveWebhook", 401, body=body, headers=signed(body + b" "))
    delivery = caller.call("listWebhookDeliveries")["items"][0]["delivery_id"]
    caller.call("getWebhookDelivery", id=delivery)
    caller.call("replayWebhookDelivery", 202, id=delivery)
    caller.call("getWebhookDelivery", id=delivery)

    caller.call("createWebhookEndpoint", 201, body={
        "name": "chat", "provider": "evolution", "secrets": ["env:EVOLUTION_KEY"],
        "signal": {"name": "message", "key": "$.data.key.remoteJid"}})
    caller.call("receiveNamedWebhook", endpoint="chat", headers={"apikey": "evo"})
    caller.call("createWebhookEndpoint", 201, body={
        "name": "phone", "provider": "whatsapp", "secrets": ["env:WHATSAPP_SECRET"],
        "signal": {"name": "message", "key": "$.entry[0].id"}, "options": {"verify_token": "token-of-the-endpoint"}})
    challenge = caller.call("answerChallenge", endpoint="phone")
    assert challenge == "1158201444", challenge
    caller.call("deleteWebhookEndpoint", 204)
    caller.call("getWebhookEndpoint", 404)


def administration(caller):
    caller.call("createNamespace", 201)
    caller.call("createNamespace", 200)
    caller.call("listNamespaces")
    caller.call("openSession", body={"key": caller.server.key})
    caller.call("openSession", 401)
    caller.call("getSession")
    caller.call("closeSession", 204)
    caller.call("listNodes")
    caller.call("listAudit")
    caller.call("listAudit", format="jsonl")
    second_person(caller)


def second_person(caller):
    """The admin asks, and a key that was made for it approves."""
    key = caller.call("createApiKey", 201)
    caller.call("listApiKeys")
    caller.call("putPolicies")
    caller.call("getPolicies")
    caller.call("putPolicies", body={"rules": [{"action": "decision.answer", "decisions": ["approve"]}]})
    asking = caller.call("startRun", 201, body={"workflow": "ask"})["run_id"]
    asked = [caller.call("signalRun", 202, id=asking, name="approve", body={"ok": True})["approval_id"] for _ in range(2)]
    caller.call("getApproval", id=asked[0])
    caller.call("listApprovals", state="waiting")
    other = {"Authorization": "Bearer " + key["key"]}
    caller.call("approveRequest", 403, id=asked[0])
    done = caller.call("approveRequest", id=asked[0], headers=other)
    assert done["state"] == "done" and done["status"] == 202, done
    caller.call("approveRequest", 409, id=asked[0], headers=other)
    caller.call("rejectRequest", id=asked[1], headers=other)
    caller.call("putPolicies", body={"rules": []})
    caller.call("revokeApiKey", 204, id=key["key_id"])
    caller.call("revokeApiKey", 404, id="none")
