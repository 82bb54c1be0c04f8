// What an operator does to a run: POST /v1/runs/{id}/cancel, /retry.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/retry_body.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

/// The body of a command: an object, and an empty body means an empty one.
Result<Json> read_command(const Request& request) {
  auto body = read_optional_json(request);
  if (body && body->is_null()) return Json(Json::object());
  return body;
}

std::string receipt(const service::CancelReceipt& done) {
  JsonWriter writer;
  writer.begin_object().member("run_id", done.run_id).member("state", to_string(done.state));
  writer.member("will", done.will).end_object();
  return std::move(writer).take();
}

void cancel_run(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  auto body = read_command(call->request);
  if (!body) return call->fail(body.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::CancelRun cancel{
      .namespace_name = call->namespace_name, .run_id = *run_id, .actor = call->actor, .role = call->role};
  if (const auto mode = reader.choice("mode", {"graceful", "compensate", "kill"}))
    cancel.mode = *parse_cancel_mode(*mode);
  auto reason = reader.text("reason", kMaxReasonBytes);
  // Nothing is undone or finished by a kill, so somebody has to answer for it.
  if (cancel.mode == CancelMode::kill) reason = reader.required("reason", std::move(reason));
  cancel.reason = std::move(reason).value_or("");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  context.service.cancel_run(std::move(cancel), [call](Result<service::CancelReceipt> done) {
    if (!done) return call->fail(done.error());
    call->respond(json_response(202, receipt(*done)));
  });
}

void retry_run(Context& context, const CallPtr& call) {
  auto retry = read_retry(*call);
  if (!retry) return call->fail(retry.error());
  context.service.retry_run(*std::move(retry), [call](const Result<service::RetriedRun>& done) {
    if (!done) return call->fail(done.error());
    call->respond(json_response(202, retry_receipt(*done)));
  });
}

/// {set: {run_at?, priority?}, reason}. `attributes`, `timeout_seconds` and `variables` are not built yet.
void edit_run(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  auto body = read_command(call->request);
  if (!body) return call->fail(body.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::EditRun edit{
      .namespace_name = call->namespace_name, .run_id = *run_id, .actor = call->actor, .role = call->role};
  edit.reason = reader.required("reason", reader.text("reason", kMaxReasonBytes)).value_or("");
  Json set = reader.object("set");
  if (set.is_null() && !reader.has("set")) reader.fault("set", "missing", "is required");
  reader.finish();
  if (set.is_object()) {
    ObjectReader changes(set, "/set", faults);
    edit.run_at = changes.time("run_at");
    const auto priority = changes.integer("priority", -100, 100);
    if (priority) edit.priority = static_cast<std::int32_t>(*priority);
    for (const char* unbuilt : {"attributes", "timeout_seconds", "variables"}) {
      if (changes.any(unbuilt)) changes.fault(unbuilt, "not-implemented", "cannot be edited yet");
    }
    if (!edit.run_at && !edit.priority) changes.fault("", "missing", "needs run_at or priority");
    changes.finish();
  }
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  context.service.edit_run(std::move(edit), [call](const Result<service::EditedRun>& done) {
    if (!done) return call->fail(done.error());
    call->respond(json_response(202, retry_receipt({done->run_id, done->state})));
  });
}

}  // namespace

void add_run_command_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role steers = Role::operator_;
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/cancel", .handle = bind(cancel_run), .role = steers});
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/edit", .handle = bind(edit_run), .role = steers});
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/retry", .handle = bind(retry_run), .role = steers});
}

}  // namespace orchestrator::api
