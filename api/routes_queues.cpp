// Where ready work waits: GET /v1/queues, and POST .../pause, .../resume, PUT .../limits.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/queues.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

void write_queue(JsonWriter& writer, const service::QueueItem& item) {
  writer.begin_object().member("name", item.name);
  writer.member("depth", item.depth).member("in_flight", item.in_flight);
  writer.name("oldest_ready_age_seconds").json(Json(item.oldest_ready_age_seconds));
  writer.name("rate_per_second").json(Json(item.rate_per_second));
  writer.member("paused", item.paused).member("paused_at", item.paused_at);
  writer.name("workers").begin_array();
  for (const auto& worker : item.workers) {
    writer.begin_object().member("worker_id", worker.worker_id).member("in_flight", worker.in_flight).end_object();
  }
  writer.end_array();
  writer.name("limits").json(to_json(item.limits));
  writer.end_object();
}

void list_queues(Context& context, const CallPtr& call) {
  context.service.list_queues(call->namespace_name, [call](const Result<service::QueuePage>& page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& item : page->items) write_queue(writer, item);
    writer.end_array().name("next_cursor").null();
    writer.name("missing_nodes").begin_array();
    for (const auto& node : page->missing_nodes) writer.text(node);
    writer.end_array().end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void answer_settings(const CallPtr& call, const Result<service::QueueSettings>& settings) {
  if (!settings) return call->fail(settings.error());
  JsonWriter writer;
  writer.begin_object().member("name", settings->name).member("paused", settings->paused);
  writer.member("reason", settings->reason.empty() ? std::optional<std::string>{} : settings->reason);
  writer.member("paused_at", settings->paused_at).member("changed_at", settings->changed_at);
  writer.name("limits").json(to_json(settings->limits));
  writer.end_object();
  call->respond(json_response(200, std::move(writer).take()));
}

void change(Context& context, const CallPtr& call, service::ChangeQueue request) {
  request.caller = call->caller();
  context.service.change_queue(
      std::move(request), [call](const Result<service::QueueSettings>& settings) { answer_settings(call, settings); });
}

/// The body is `{reason?}`, and may be left out.
void set_paused(Context& context, const CallPtr& call, bool paused) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto body = read_optional_json(call->request);
  if (!body) return call->fail(body.error());
  if (body->is_null()) *body = Json::object();

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::ChangeQueue request{.namespace_name = call->namespace_name, .name = *name};
  request.paused = paused;
  request.reason = reader.text("reason", kMaxReasonBytes).value_or("");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  change(context, call, std::move(request));
}

void pause_queue(Context& context, const CallPtr& call) { set_paused(context, call, true); }
void resume_queue(Context& context, const CallPtr& call) { set_paused(context, call, false); }

std::optional<RateLimit> read_rate(ObjectReader& reader, const char* name, std::vector<FaultDetail>& faults) {
  if (!reader.has(name)) return std::nullopt;
  Json object = reader.object(name);
  if (!object.is_object()) return std::nullopt;
  ObjectReader members(object, reader.pointer_to(name), faults);
  const auto count = members.required("count", members.integer("count", 1, kMaxRateCount));
  const auto seconds = members.required("per_seconds", members.integer("per_seconds", 1, kMaxRateSeconds));
  members.finish();
  if (!count || !seconds) return std::nullopt;
  return RateLimit{.count = *count, .per_seconds = *seconds};
}

/// What the body leaves out has no limit any more.
void put_limits(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  QueueLimits limits;
  limits.max_in_flight = reader.integer("max_in_flight", 1, kMaxQueueInFlight);
  limits.concurrency_per_key = reader.integer("concurrency_per_key", 1, kMaxQueueInFlight);
  limits.rate_per_key = read_rate(reader, "rate_per_key", faults);
  limits.rate = read_rate(reader, "rate", faults);
  limits.weight = reader.integer("weight", 1, kMaxQueueWeight);
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  service::ChangeQueue request{.namespace_name = call->namespace_name, .name = *name};
  request.limits = limits;
  change(context, call, std::move(request));
}

}  // namespace

void add_queue_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role steers = Role::operator_;
  router.add({.method = "GET", .pattern = "/v1/queues", .handle = bind(list_queues)});
  router.add({.method = "POST", .pattern = "/v1/queues/{name}/pause", .handle = bind(pause_queue), .role = steers});
  router.add({.method = "POST", .pattern = "/v1/queues/{name}/resume", .handle = bind(resume_queue), .role = steers});
  router.add({.method = "PUT", .pattern = "/v1/queues/{name}/limits", .handle = bind(put_limits), .role = steers});
}

}  // namespace orchestrator::api
