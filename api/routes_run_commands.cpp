// What an operator does to a run: POST /v1/runs/{id}/cancel, /retry, /edit, /pause, /resume, /skip.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/retry_body.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/steer_body.hpp"
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

/// What the cancel found: steps that a worker has (let finish, or abandoned by a kill), waits that end, children that
/// are cancelled likewise.
std::string receipt(const service::CancelReceipt& done) {
  JsonWriter writer;
  writer.begin_object().member("run_id", done.run_id).member("state", to_string(done.state));
  writer.member("mode", to_string(done.mode)).member("will", done.will);
  const Json waited_on = json_of(done.waited_on).is_array() ? *done.waited_on : Json::array();
  const auto list = [&](const char* name, auto belongs) {
    writer.name(name).begin_array();
    for (const Json& item : waited_on) {
      if (belongs(string_member(item, "kind"))) writer.json(item);
    }
    writer.end_array();
  };
  list("steps", [](const std::string& kind) { return kind == "step"; });
  list("waits", [](const std::string& kind) { return kind != "step" && kind != "child" && kind != "paused"; });
  list("children", [](const std::string& kind) { return kind == "child"; });
  // No definition can ask for compensation yet.
  writer.name("compensations").begin_array().end_array().end_object();
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
  cancel.rehearse = call->is_rehearsal;
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

using ReadSteering = Result<service::SteerRun> (*)(const Call&);

void steer_run(Context& context, const CallPtr& call, ReadSteering read) {
  auto steer = read(*call);
  if (!steer) return call->fail(steer.error());
  context.service.steer_run(*std::move(steer), [call](const Result<service::SteeredRun>& done) {
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
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/retry", .handle = bind(retry_run), .role = steers});
  const auto steering = [&context](ReadSteering read) {
    return [&context, read](const CallPtr& call) { steer_run(context, call, read); };
  };
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/edit", .handle = steering(read_edit), .role = steers});
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/pause", .handle = steering(read_pause), .role = steers});
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/resume", .handle = steering(read_resume), .role = steers});
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/skip", .handle = steering(read_skip), .role = steers});
}

}  // namespace orchestrator::api
