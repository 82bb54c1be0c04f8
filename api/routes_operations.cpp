// One action of an operator on many runs: /v1/operations.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/operation_body.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/run_json.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/operations.hpp"

namespace orchestrator::api {
namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

Result<store::OperationId> operation_id_of(const Call& call) {
  auto id = store::OperationId::parse(call.parameters.at(0));
  if (!id) return fail(ErrorCode::not_found, "not-found", "There is no operation with this id");
  return id;
}

std::string location_of(const Json& body) { return "/v1/operations/" + string_member(body, "operation_id"); }

void write_operation(JsonWriter& writer, const store::OperationView& view) {
  writer.begin_object();
  writer.member("operation_id", view.operation_id).member("action", to_string(view.action));
  writer.name("arguments").raw(view.arguments).name("filter").raw(view.filter);
  writer.member("reason", view.reason).member("actor", view.actor);
  writer.member("rate_per_second", view.rate_per_second).member("state", to_string(view.state));
  writer.member("matched", view.matched).member("done", view.done).member("failed", view.failed);
  writer.name("failures").raw(view.failures);
  writer.member("created_at", view.created_at).member("ended_at", view.ended_at);
  writer.member("stopped_by", unless_empty(view.ended_by));
  writer.end_object();
}

std::string operation_text(const store::OperationView& view) {
  JsonWriter writer;
  write_operation(writer, view);
  return std::move(writer).take();
}

Response started_response(const service::StartedOperation& started) {
  JsonWriter writer;
  writer.begin_object().member("operation_id", started.operation_id).member("matched", started.matched);
  writer.name("sample").begin_array();
  for (const auto& view : started.sample) write_run(writer, view, RunShape::item, std::nullopt);
  writer.end_array().end_object();
  Response response = json_response(started.operation_id ? 202 : 200, std::move(writer).take());
  if (started.operation_id) response.headers.emplace_back("Location", "/v1/operations/" + started.operation_id->str());
  return response;
}

void start(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());
  auto asked = read_operation(*call, *body);
  if (!asked) return call->fail(asked.error());
  if (call->is_rehearsal) asked->dry_run = true;
  // A dry run creates nothing, so nothing is kept of it.
  if (asked->dry_run) *ref = std::nullopt;
  act_once(context, call, std::move(*ref), location_of,
           [&context, call, asked = *std::move(asked)](std::optional<RunId> reserved, const Finish& finish) {
             service::StartOperation mine = asked;
             mine.id = reserved;
             context.service.operations().start(
                 std::move(mine), [call, finish](const Result<service::StartedOperation>& started) {
                   finish(started ? started_response(*started) : problem_response(started.error(), call->request.path));
                 });
           });
}

void list(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::OperationFilter filter;
  filter.namespace_name = call->namespace_name;
  if (const auto state = query.text("state")) {
    filter.state = store::parse_operation_state(*state);
    if (!filter.state) query.fault("state", "must be running, done or stopped");
  }
  filter.limit = query.limit();
  filter.cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.operations().list(std::move(filter), [call](const Result<store::OperationPage>& page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& view : page->items) write_operation(writer, view);
    writer.end_array().member("next_cursor", page->next_cursor).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void show(Context& context, const CallPtr& call) {
  const auto id = operation_id_of(*call);
  if (!id) return call->fail(id.error());
  context.service.operations().find(call->namespace_name, *id, [call](const Result<store::OperationView>& view) {
    if (!view) return call->fail(view.error());
    call->respond(json_response(200, operation_text(*view)));
  });
}

void stop(Context& context, const CallPtr& call) {
  const auto id = operation_id_of(*call);
  if (!id) return call->fail(id.error());
  auto body = read_optional_json(call->request);
  if (!body) return call->fail(body.error());
  if (!body->is_null()) {
    std::vector<FaultDetail> faults;
    ObjectReader(*body, "", faults).finish();
    if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  }
  context.service.operations().stop(call->namespace_name, *id, call->caller(),
                                    [call](const Result<store::OperationView>& view) {
                                      if (!view) return call->fail(view.error());
                                      call->respond(json_response(200, operation_text(*view)));
                                    });
}

}  // namespace

void add_operation_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role steers = Role::operator_;
  router.add({.method = "POST", .pattern = "/v1/operations", .handle = bind(start), .role = steers});
  router.add({.method = "GET", .pattern = "/v1/operations", .handle = bind(list)});
  router.add({.method = "GET", .pattern = "/v1/operations/{id}", .handle = bind(show)});
  router.add({.method = "POST", .pattern = "/v1/operations/{id}/stop", .handle = bind(stop), .role = steers});
}

}  // namespace orchestrator::api
