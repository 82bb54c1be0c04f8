// Remote workers: POST /v1/queues/{name}/claim, POST /v1/tasks/{token}/complete, /fail, /heartbeat, /release.
#include <optional>

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/service/remote_workers.hpp"
#include "orchestrator/service/service.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api {
namespace {

using runtime::ClaimedTask;
using runtime::TaskAnswer;

// ---- claim -------------------------------------------------------------------------------------------------------

std::vector<std::string> read_handlers(ObjectReader& reader) {
  std::vector<std::string> handlers;
  const Json names = reader.array("handlers");
  if (names.is_null()) return handlers;
  if (names.empty() || names.size() > kMaxClaimHandlers) {
    reader.fault("handlers", "out_of_range", "must have 1 to " + std::to_string(kMaxClaimHandlers) + " names");
    return handlers;
  }
  for (const Json& name : names) {
    if (!name.is_string() || !is_valid_name(name.get_ref<const std::string&>())) {
      reader.fault("handlers", "invalid", "must be names of 1 to 128 characters of A-Z a-z 0-9 . _ : -");
      break;
    }
    handlers.push_back(name.get<std::string>());
  }
  return handlers;
}

runtime::ClaimRequest read_claim(Json& body, std::vector<FaultDetail>& faults) {
  ObjectReader reader(body, "", faults);
  runtime::ClaimRequest claim;
  claim.terms.worker_id = reader.required("worker_id", reader.key("worker_id")).value_or("");
  claim.terms.instance = reader.key("instance").value_or("");
  claim.filter.handlers = read_handlers(reader);
  claim.max_tasks = static_cast<std::size_t>(reader.integer("max_tasks", 1, kMaxClaimTasks).value_or(1));
  claim.wait = std::chrono::seconds{reader.integer("wait_seconds", 0, kMaxWaitSeconds).value_or(0)};
  claim.terms.lease =
      std::chrono::seconds{reader.integer("lease_seconds", 1, kMaxTaskLeaseSeconds).value_or(kDefaultTaskLeaseSeconds)};
  reader.finish();
  return claim;
}

std::string tasks_text(const std::vector<ClaimedTask>& tasks) {
  JsonWriter writer;
  writer.begin_object().name("tasks").begin_array();
  for (const ClaimedTask& task : tasks) {
    writer.begin_object();
    writer.member("task_token", task.token).member("run_id", task.run_id).member("workflow", task.workflow);
    writer.member("step", task.state_name).member("handler", task.handler).member("queue", task.queue);
    writer.member("attempt", task.attempt).member("input", task.input);
    writer.member("idempotency_key", task.idempotency_key).member("lease_expires_at", task.lease_expires_at);
    writer.member("deadline", task.deadline);
    writer.member("traceparent", task.traceparent.empty() ? std::nullopt : std::optional(task.traceparent));
    writer.member("heartbeat_details", task.heartbeat_details);
    writer.end_object();
  }
  writer.end_array().end_object();
  return std::move(writer).take();
}

/// A claim that waits, so that a server that ends can answer it.
struct ClaimPoll {
  telemetry::Mutex mutex;
  bool is_answered ORC_GUARDED_BY(mutex) = false;
  std::optional<std::uint64_t> ticket ORC_GUARDED_BY(mutex);
};

void claim_tasks(Context& context, const CallPtr& call) {
  auto queue = name_parameter(*call, 0);
  if (!queue) return call->fail(queue.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  runtime::ClaimRequest claim = read_claim(*body, faults);
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  claim.filter.namespace_name = call->namespace_name;
  claim.filter.queue = *std::move(queue);

  const bool waits = claim.wait > Duration{0};
  auto poll = std::make_shared<ClaimPoll>();  // shared by the answer and by a server that ends
  auto& workers = context.service.remote_workers();
  const auto answer = [&context, call, poll](Result<std::vector<ClaimedTask>> tasks) {
    std::optional<std::uint64_t> ticket;
    {
      const telemetry::MutexLock lock(poll->mutex);
      poll->is_answered = true;
      ticket = poll->ticket;
    }
    if (ticket) context.long_polls.remove(*ticket);
    if (!tasks) return call->fail(tasks.error());
    Response response = json_response(200, tasks_text(*tasks));
    if (!tasks->empty()) {
      // A worker that hung up meanwhile: somebody else shall have them at once, not when their lease ends.
      response.on_unsent = [&context, name = call->namespace_name, tasks = *std::move(tasks)] {
        context.service.remote_workers().give_back(name, tasks);
      };
    }
    call->respond(std::move(response));
  };
  const std::uint64_t number = workers.claim(std::move(claim), answer);
  if (!waits) return;
  const auto ticket = context.long_polls.add([&workers, number] { workers.stop_claim(number); });
  if (!ticket) return workers.stop_claim(number);
  {
    const telemetry::MutexLock lock(poll->mutex);
    poll->ticket = ticket;
    if (!poll->is_answered) return;
  }
  context.long_polls.remove(*ticket);
}

// ---- what a worker says about its task -----------------------------------------------------------------------------

/// The body of a report: an object, and an empty body means an empty one.
Result<Json> read_report(const Request& request) {
  auto body = read_optional_json(request);
  if (body && body->is_null()) return Json(Json::object());
  return body;
}

std::optional<Duration> read_seconds(ObjectReader& reader, const char* name, std::int64_t most) {
  const auto seconds = reader.decimal(name, 0, static_cast<double>(most));
  if (!seconds) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
}

void send_report(Context& context, const CallPtr& call, service::ReportTask report) {
  report.namespace_name = call->namespace_name;
  report.token = call->parameters.at(0);
  const bool is_heartbeat = report.kind == runtime::TaskReport::Kind::heartbeat;
  context.service.remote_workers().report(std::move(report), [call, is_heartbeat](Result<TaskAnswer> answer) {
    if (!answer) return call->fail(answer.error());
    JsonWriter writer;
    writer.begin_object().member("run_id", answer->run_id).member("state", to_string(answer->state));
    if (is_heartbeat) {
      writer.member("cancel_requested", answer->cancel_requested);
      writer.member("lease_expires_at", answer->lease_expires_at);
    }
    writer.end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

/// Reads the body with `read` and sends what it says.
template <typename Read>
void report(Context& context, const CallPtr& call, Read read) {
  auto body = read_report(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::ReportTask said = read(reader);
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  send_report(context, call, std::move(said));
}

void complete_task(Context& context, const CallPtr& call) {
  report(context, call, [](ObjectReader& reader) {
    service::ReportTask said;
    said.outcome = Outcome::completed(reader.any("output"));
    return said;
  });
}

void fail_task(Context& context, const CallPtr& call) {
  report(context, call, [](ObjectReader& reader) {
    service::ReportTask said;
    auto error = reader.required("error", reader.text("error", kMaxErrorNameBytes)).value_or("");
    auto cause = reader.text("cause", kMaxCauseBytes).value_or("");
    said.outcome = Outcome::failed(std::move(error), std::move(cause), reader.boolean("retryable").value_or(true));
    said.outcome.delay = read_seconds(reader, "retry_after_seconds", kMaxRetryAfterSeconds);
    return said;
  });
}

void heartbeat_task(Context& context, const CallPtr& call) {
  report(context, call, [](ObjectReader& reader) {
    service::ReportTask said;
    said.kind = runtime::TaskReport::Kind::heartbeat;
    said.details = reader.any("details");
    if (said.details && dump_json(*said.details).size() > kMaxHeartbeatDetailsBytes)
      reader.fault("details", "out_of_range",
                   "must not be longer than " + std::to_string(kMaxHeartbeatDetailsBytes) + " bytes");
    return said;
  });
}

void release_task(Context& context, const CallPtr& call) {
  report(context, call, [](ObjectReader& reader) {
    service::ReportTask said;
    said.outcome = Outcome::snoozed(read_seconds(reader, "delay_seconds", kMaxSnoozeSeconds).value_or(Duration{0}));
    return said;
  });
}

}  // namespace

void add_task_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "POST", .pattern = "/v1/queues/{name}/claim", .handle = bind(claim_tasks)});
  router.add({.method = "POST", .pattern = "/v1/tasks/{token}/complete", .handle = bind(complete_task)});
  router.add({.method = "POST", .pattern = "/v1/tasks/{token}/fail", .handle = bind(fail_task)});
  router.add({.method = "POST", .pattern = "/v1/tasks/{token}/heartbeat", .handle = bind(heartbeat_task)});
  router.add({.method = "POST", .pattern = "/v1/tasks/{token}/release", .handle = bind(release_task)});
}

}  // namespace orchestrator::api
