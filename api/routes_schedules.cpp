// Schedules: /v1/schedules and what can be asked of one.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/schedule_body.hpp"
#include "api/schedule_json.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

using runtime::ScheduleAction;

std::string location_of_schedule(const Json& body) {
  const std::string name = string_member(body, "name");
  return name.empty() ? std::string{} : "/v1/schedules/" + name;
}

std::string location_of_run(const Json& body) {
  const std::string run_id = string_member(body, "run_id");
  return run_id.empty() ? std::string{} : "/v1/runs/" + run_id;
}

Response schedule_response(const CallPtr& call, int status, const store::ScheduleRow& row) {
  JsonWriter writer;
  if (const Status written = write_schedule(writer, row, ScheduleShape::single); !written) {
    return problem_response(written.error(), call->request.path);
  }
  Response response = json_response(status, std::move(writer).take());
  if (status == 201) response.headers.emplace_back("Location", "/v1/schedules/" + row.name);
  return response;
}

/// Asks for a change and answers with what `shape` makes of it, or with the problem.
void change(Context& context, const CallPtr& call, service::ScheduleChange asked,
            std::function<Response(const runtime::ScheduleAnswer&)> shape, const Finish& finish) {
  context.service.schedules().change(
      std::move(asked), [call, shape = std::move(shape), finish](Result<runtime::ScheduleAnswer> answer) {
        finish(answer ? shape(*answer) : problem_response(answer.error(), call->request.path));
      });
}

service::ScheduleChange change_of(const CallPtr& call, ScheduleAction action, std::string name) {
  service::ScheduleChange asked;
  asked.action = action;
  asked.namespace_name = call->namespace_name;
  asked.name = std::move(name);
  asked.caller = call->caller();
  return asked;
}

void create(Context& context, const CallPtr& call) {
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto ref = idempotency_of(*call, *body);
  if (!ref) return call->fail(ref.error());
  std::vector<FaultDetail> faults;
  ScheduleBody read = read_schedule(*body, std::nullopt, faults);
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  service::ScheduleChange asked = change_of(call, ScheduleAction::create, std::move(read.name));
  asked.settings = std::move(read.settings);
  act_once(context, call, std::move(*ref), location_of_schedule,
           [&context, call, asked = std::move(asked)](std::optional<RunId> reserved, const Finish& finish) {
             service::ScheduleChange mine = asked;
             mine.reserved = reserved;
             const auto shape = [call](const runtime::ScheduleAnswer& answer) {
               return schedule_response(call, 201, answer.row);
             };
             change(context, call, std::move(mine), shape, finish);
           });
}

void replace(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  ScheduleBody read = read_schedule(*body, *name, faults);
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  service::ScheduleChange asked = change_of(call, ScheduleAction::replace, *name);
  asked.settings = std::move(read.settings);
  const auto shape = [call](const runtime::ScheduleAnswer& answer) {
    return schedule_response(call, answer.created ? 201 : 200, answer.row);
  };
  change(context, call, std::move(asked), shape, [call](Response response) { call->respond(std::move(response)); });
}

/// An empty body or an empty object.
Status read_nothing(const CallPtr& call) {
  auto body = read_optional_json(call->request);
  if (!body) return body.error();
  if (body->is_null()) return {};
  std::vector<FaultDetail> faults;
  ObjectReader(*body, "", faults).finish();
  return body_status(std::move(faults));
}

/// pause, resume, and removing: without a body, answered with the schedule or with nothing.
void steer(Context& context, const CallPtr& call, ScheduleAction action) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  if (const Status status = read_nothing(call); !status) return call->fail(status.error());
  const auto shape = [call, action](const runtime::ScheduleAnswer& answer) {
    if (action != ScheduleAction::remove) return schedule_response(call, 200, answer.row);
    Response nothing;
    nothing.status = 204;
    return nothing;
  };
  change(context, call, change_of(call, action, *name), shape,
         [call](Response response) { call->respond(std::move(response)); });
}

void trigger(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  if (const Status status = read_nothing(call); !status) return call->fail(status.error());
  auto ref = idempotency_of(*call, Json());
  if (!ref) return call->fail(ref.error());
  act_once(context, call, std::move(*ref), location_of_run,
           [&context, call, name = *name](std::optional<RunId> reserved, const Finish& finish) {
             service::ScheduleChange asked = change_of(call, ScheduleAction::trigger, name);
             asked.reserved = reserved;
             asked.traceparent = accepted_traceparent(call->request);
             const auto shape = [](const runtime::ScheduleAnswer& answer) {
               JsonWriter writer;
               writer.begin_object().member("run_id", answer.run_id).member("schedule", answer.row.name).end_object();
               Response response = json_response(201, std::move(writer).take());
               if (answer.run_id) response.headers.emplace_back("Location", "/v1/runs/" + answer.run_id->str());
               return response;
             };
             change(context, call, std::move(asked), shape, finish);
           });
}

void backfill(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::ScheduleChange asked = change_of(call, ScheduleAction::backfill, *name);
  const auto from = reader.required("from", reader.time("from"));
  const auto to = reader.required("to", reader.time("to"));
  if (from && to && *from >= *to) reader.fault("to", "out_of_range", "must be after `from`");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  asked.from = *from;
  asked.to = *to;
  const auto shape = [](const runtime::ScheduleAnswer& answer) {
    JsonWriter writer;
    writer.begin_object().member("slots", answer.slots).end_object();
    return json_response(202, std::move(writer).take());
  };
  change(context, call, std::move(asked), shape, [call](Response response) { call->respond(std::move(response)); });
}

void list(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::ScheduleFilter filter{call->namespace_name, query.limit(), query.cursor()};
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.schedules().list(std::move(filter), [call](Result<store::SchedulePage> page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const auto& row : page->items) {
      if (const Status written = write_schedule(writer, row, ScheduleShape::item); !written) {
        return call->fail(written.error());
      }
    }
    writer.end_array().member("next_cursor", page->next_cursor).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void read(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  context.service.schedules().find(call->namespace_name, *name, [call](Result<store::ScheduleRow> row) {
    if (!row) return call->fail(row.error());
    call->respond(schedule_response(call, 200, *row));
  });
}

void preview(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  QueryReader query(call->request.query);
  const auto count = static_cast<std::int32_t>(query.integer("count", 1, kMaxPageItems).value_or(kDefaultPageItems));
  const auto after = query.time("after");
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.schedules().preview(call->namespace_name, *name, after, count,
                                      [call](Result<service::Preview> planned) {
                                        if (!planned) return call->fail(planned.error());
                                        JsonWriter writer;
                                        writer.begin_object().name("items").begin_array();
                                        for (const auto& slot : planned->slots) write_planned(writer, slot);
                                        writer.end_array().name("holidays").begin_array();
                                        for (const auto& slot : planned->holidays) write_holiday(writer, slot);
                                        writer.end_array().name("next_cursor").null().end_object();
                                        call->respond(json_response(200, std::move(writer).take()));
                                      });
}

void fires(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  QueryReader query(call->request.query);
  const std::int32_t limit = query.limit();
  std::string cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.schedules().fires(call->namespace_name, *name, limit, std::move(cursor),
                                    [call](Result<store::SlotPage> page) {
                                      if (!page) return call->fail(page.error());
                                      JsonWriter writer;
                                      writer.begin_object().name("items").begin_array();
                                      for (const auto& row : page->items) write_slot(writer, row);
                                      writer.end_array().member("next_cursor", page->next_cursor).end_object();
                                      call->respond(json_response(200, std::move(writer).take()));
                                    });
}

}  // namespace

void add_schedule_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const auto bind_steer = [&context](ScheduleAction action) {
    return [&context, action](const CallPtr& call) { steer(context, call, action); };
  };
  const Role steers = Role::operator_;
  const std::string one = "/v1/schedules/{name}";
  router.add({.method = "POST", .pattern = "/v1/schedules", .handle = bind(create)});
  router.add({.method = "GET", .pattern = "/v1/schedules", .handle = bind(list)});
  router.add({.method = "GET", .pattern = one, .handle = bind(read)});
  router.add({.method = "PUT", .pattern = one, .handle = bind(replace)});
  router.add({.method = "DELETE", .pattern = one, .handle = bind_steer(ScheduleAction::remove)});
  router.add({.method = "GET", .pattern = one + "/preview", .handle = bind(preview)});
  router.add({.method = "GET", .pattern = one + "/fires", .handle = bind(fires)});
  router.add({.method = "POST", .pattern = one + "/trigger", .handle = bind(trigger), .role = steers});
  router.add(
      {.method = "POST", .pattern = one + "/pause", .handle = bind_steer(ScheduleAction::pause), .role = steers});
  router.add(
      {.method = "POST", .pattern = one + "/resume", .handle = bind_steer(ScheduleAction::resume), .role = steers});
  router.add({.method = "POST", .pattern = one + "/backfill", .handle = bind(backfill), .role = steers});
}

}  // namespace orchestrator::api
