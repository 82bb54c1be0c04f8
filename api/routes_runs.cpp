// Starting runs and reading them: POST /v1/runs, GET /v1/runs, /{id}, /{id}/history.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/run_filter.hpp"
#include "api/run_json.hpp"
#include "api/start_run_body.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

std::string location_of_run(const Json& body) {
  const std::string run_id = string_member(body, "run_id");
  return run_id.empty() ? std::string{} : "/v1/runs/" + run_id;
}

Response start_response(const service::StartedRun& started) {
  Response response = json_response(started.existing ? 200 : 201, started_text(started));
  if (!started.existing) response.headers.emplace_back("Location", "/v1/runs/" + started.run_id.str());
  return response;
}

/// Answers when the run ended, or after `wait` with the start's answer.
void await_end(Context& context, const CallPtr& call, const service::StartedRun& started, std::chrono::seconds wait,
               Finish finish) {
  Response early = start_response(started);
  early.status = 202;
  const auto ticket = context.long_polls.add([finish, early] { finish(early); });
  if (!ticket) return finish(std::move(early));
  context.service.wait_for_run(
      call->namespace_name, started.run_id, wait,
      [&context, ticket = *ticket, early = std::move(early), finish](Result<service::RunReading> reading) {
        if (!context.long_polls.remove(ticket)) return;
        // The start is durable, so a failed look at it is no reason to report a failure.
        const bool ended = reading && is_closed(reading->view.state);
        finish(ended ? json_response(200, run_text(*reading)) : early);
      });
}

void start_run(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  const auto wait = query.integer("wait", 0, kMaxWaitSeconds);
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());

  std::vector<FaultDetail> faults;
  service::StartRun start = read_start_run(*body, "", faults);
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  start.namespace_name = call->namespace_name;
  start.traceparent = accepted_traceparent(call->request);

  act_once(context, call, std::move(*ref), location_of_run,
           [&context, call, wait, start = std::move(start)](std::optional<RunId> reserved, Finish finish) {
             service::StartRun request = start;
             request.id = reserved;
             context.service.start_run(std::move(request),
                                       [&context, call, wait, finish](Result<service::StartedRun> started) {
                                         if (!started)
                                           return finish(problem_response(started.error(), call->request.path));
                                         if (!wait) return finish(start_response(*started));
                                         await_end(context, call, *started, std::chrono::seconds(*wait), finish);
                                       });
           });
}

void list_runs(Context& context, const CallPtr& call) {
  auto filter = read_run_filter(call->request.query);
  if (!filter) return call->fail(filter.error());
  filter->namespace_name = call->namespace_name;
  context.service.list_runs(std::move(*filter), [call](Result<store::RunPage> page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const store::RunView& view : page->items) write_run(writer, view, RunShape::item, std::nullopt);
    writer.end_array().member("next_cursor", page->next_cursor).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void read_run(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  context.service.read_run(call->namespace_name, *run_id, [call](Result<service::RunReading> reading) {
    if (!reading) return call->fail(reading.error());
    call->respond(json_response(200, run_text(*reading)));
  });
}

void read_history(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  QueryReader query(call->request.query);
  const std::int32_t limit = query.limit();
  std::string cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.read_history(call->namespace_name, *run_id, limit, std::move(cursor),
                               [call](Result<service::HistoryPage> page) {
                                 if (!page) return call->fail(page.error());
                                 JsonWriter writer;
                                 writer.begin_object().name("items").begin_array();
                                 for (const Json& item : page->items) writer.json(item);
                                 writer.end_array().member("next_cursor", page->next_cursor).end_object();
                                 call->respond(json_response(200, std::move(writer).take()));
                               });
}

}  // namespace

void add_run_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  router.add({.method = "POST", .pattern = "/v1/runs", .handle = bind(start_run)});
  router.add({.method = "GET", .pattern = "/v1/runs", .handle = bind(list_runs)});
  router.add({.method = "GET", .pattern = "/v1/runs/{id}", .handle = bind(read_run)});
  router.add({.method = "GET", .pattern = "/v1/runs/{id}/history", .handle = bind(read_history)});
}

}  // namespace orchestrator::api
