#include "orchestrator/runtime/schedule_requests.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"

namespace orchestrator::runtime {

using namespace members;

namespace {

Json to_json(const store::ScheduleRef& ref) {
  return {{"shard", to_int(ref.shard)}, {"namespace", ref.namespace_name}, {"name", ref.name}};
}

store::ScheduleRef ref_from(const Json& object) {
  return {ShardId{object.at("shard").get<std::int32_t>()}, get_text(object, "namespace"), get_text(object, "name")};
}

}  // namespace

Json to_json(const ScheduleRequest& request) {
  Json object = {{"action", static_cast<int>(request.action)},
                 {"ref", to_json(request.ref)},
                 {"from_us", to_micros(request.from)},
                 {"to_us", to_micros(request.to)}};
  put(object, "schedule_id", request.schedule_id);
  put(object, "settings", request.settings);
  put(object, "run_id", request.run_id);
  put(object, "traceparent", request.traceparent);
  put(object, "calendar", request.calendar);
  put(object, "days", request.days);
  put(object, "audit", request.audit);
  return object;
}

ScheduleRequest schedule_request_from(const Json& object) {
  ScheduleRequest request;
  request.action = static_cast<ScheduleAction>(object.at("action").get<int>());
  request.ref = ref_from(object.at("ref"));
  request.from = from_micros(object.value("from_us", std::int64_t{0}));
  request.to = from_micros(object.value("to_us", std::int64_t{0}));
  request.schedule_id = get_id<store::ScheduleTag>(object, "schedule_id");
  request.settings = get_text(object, "settings");
  request.run_id = get_id<RunTag>(object, "run_id");
  request.traceparent = get_text(object, "traceparent");
  request.calendar = get_text(object, "calendar");
  request.days = get_text(object, "days");
  request.audit = get_audit(object, "audit");
  return request;
}

Json to_json(const ScheduleAnswer& answer) {
  const store::ScheduleRow& row = answer.row;
  Json open = Json::array();
  for (const RunId& run_id : row.progress.open_runs) open.push_back(run_id.str());
  Json object = {{"ref", to_json(static_cast<const store::ScheduleRef&>(row))},
                 {"schedule_id", row.schedule_id.str()},
                 {"settings", row.settings},
                 {"decided_until_us", to_micros(row.progress.decided_until)},
                 {"open_runs", std::move(open)},
                 {"created_at_us", to_micros(row.created_at)},
                 {"updated_at_us", to_micros(row.updated_at)},
                 {"created", answer.created},
                 {"slots", answer.slots}};
  put(object, "next_fire_at_us", row.progress.next_fire_at);
  put(object, "paused_at_us", row.progress.paused_at);
  if (row.progress.last_run_id) put(object, "last_run_id", *row.progress.last_run_id);
  if (answer.run_id) put(object, "run_id", *answer.run_id);
  return object;
}

ScheduleAnswer schedule_answer_from(const Json& object) {
  ScheduleAnswer answer;
  store::ScheduleRow& row = answer.row;
  static_cast<store::ScheduleRef&>(row) = ref_from(object.at("ref"));
  row.schedule_id = get_id<store::ScheduleTag>(object, "schedule_id");
  row.settings = get_text(object, "settings");
  row.progress.decided_until = from_micros(object.value("decided_until_us", std::int64_t{0}));
  row.progress.next_fire_at = get_time(object, "next_fire_at_us");
  row.progress.paused_at = get_time(object, "paused_at_us");
  row.progress.last_run_id = get_run(object, "last_run_id");
  for (const Json& id : object.value("open_runs", Json::array())) {
    if (auto run_id = RunId::parse(id.get<std::string>())) row.progress.open_runs.push_back(*run_id);
  }
  row.created_at = from_micros(object.value("created_at_us", std::int64_t{0}));
  row.updated_at = from_micros(object.value("updated_at_us", std::int64_t{0}));
  answer.created = object.value("created", false);
  answer.slots = object.value("slots", std::int64_t{0});
  answer.run_id = get_run(object, "run_id");
  return answer;
}

}  // namespace orchestrator::runtime
