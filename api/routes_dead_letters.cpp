// Failed runs that wait for a person: GET /v1/dead-letters, POST /v1/dead-letters/{id}/retry, /discard.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/retry_body.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/run_filter.hpp"
#include "api/run_json.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

void write_attempt(JsonWriter& writer, const core::DeadLetterAttempt& attempt) {
  writer.begin_object();
  writer.member("outcome", attempt.outcome);
  writer.member("state_name", unless_empty(attempt.state_name));
  writer.member("worker", unless_empty(attempt.worker));
  writer.member("started_at", attempt.started_at);
  writer.member("ended_at", attempt.ended_at);
  writer.member("error", attempt.error);
  writer.member("cause", attempt.cause);
  writer.end_object();
}

/// A run's item with what only dead letters have.
void write_dead_letter(JsonWriter& writer, const service::DeadLetterReading& item) {
  write_run(writer, item.view, RunShape::item, std::nullopt, [&] {
    writer.member("reason", core::to_string(item.reason));
    writer.member("failed_at", item.view.closed_at);
    writer.member("worker", item.attempts.empty() ? std::nullopt : unless_empty(item.attempts.back().worker));
    writer.name("failed_attempts").begin_array();
    for (const auto& attempt : item.attempts) write_attempt(writer, attempt);
    writer.end_array();
  });
}

void list_dead_letters(Context& context, const CallPtr& call) {
  std::optional<core::DeadLetterReason> reason;
  auto filter = read_run_filter(call->request.query, [&reason](QueryReader& query) {
    const auto text = query.text("reason");
    if (!text) return;
    reason = core::parse_dead_letter_reason(*text);
    if (!reason) query.fault("reason", "must be exhausted, permanent, poison or rejected");
  });
  if (!filter) return call->fail(filter.error());
  filter->namespace_name = call->namespace_name;
  context.service.list_dead_letters(*std::move(filter), reason, [call](const Result<service::DeadLetterPage>& page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& item : page->items) write_dead_letter(writer, item);
    writer.end_array().member("next_cursor", page->next_cursor).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void retry_dead_letter(Context& context, const CallPtr& call) {
  auto retry = read_retry(*call);
  if (!retry) return call->fail(retry.error());
  retry->only_dead_letter = true;
  context.service.retry_run(*std::move(retry), [call](const Result<service::RetriedRun>& done) {
    if (!done) return call->fail(done.error());
    call->respond(json_response(202, retry_receipt(*done)));
  });
}

void rehearse_discard(Context& context, const CallPtr& call, RunId run_id) {
  context.service.read_run(call->namespace_name, run_id, [call](const Result<service::RunReading>& run) {
    if (!run) return call->fail(run.error());
    if (run->view.dead_letter != store::DeadLetter::open) {
      const std::string why = "the run is not a dead letter that waits for anybody";
      return call->fail(Error(ErrorCode::precondition_failed, "wrong-state", why));
    }
    call->respond(json_response(200, "{}"));
  });
}

void discard_dead_letter(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  auto body = read_optional_json(call->request);
  if (!body) return call->fail(body.error());
  if (body->is_null()) *body = Json::object();

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  const auto reason = reader.required("reason", reader.text("reason", kMaxReasonBytes));
  if (reason && reason->empty()) reader.fault("reason", "too-short", "must say why");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  if (call->is_rehearsal) return rehearse_discard(context, call, *run_id);
  store::DiscardRequest discard{
      .namespace_name = call->namespace_name, .run_id = *run_id, .reason = *reason, .actor = call->actor};
  discard.audit = audited(discard.namespace_name, call->caller(), "run.discard", run_id->str(), discard.reason);
  context.service.discard_dead_letter(std::move(discard), [call](const Result<service::RunReading>& done) {
    if (!done) return call->fail(done.error());
    call->respond(json_response(200, run_text(*done)));
  });
}

}  // namespace

void add_dead_letter_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role steers = Role::operator_;
  router.add({.method = "GET", .pattern = "/v1/dead-letters", .handle = bind(list_dead_letters)});
  router.add(
      {.method = "POST", .pattern = "/v1/dead-letters/{id}/retry", .handle = bind(retry_dead_letter), .role = steers});
  router.add({.method = "POST",
              .pattern = "/v1/dead-letters/{id}/discard",
              .handle = bind(discard_dead_letter),
              .role = steers});
}

}  // namespace orchestrator::api
