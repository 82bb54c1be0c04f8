#include "orchestrator/store/postgres/schedules.hpp"

#include <map>
#include <tuple>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/schedule_calendar.hpp"

namespace orchestrator::store::postgres {
namespace {

template <typename Tag>
Json or_null(const std::optional<Uuid<Tag>>& id) {
  return id ? Json(id->str()) : Json();
}
Json or_null(const std::optional<Timestamp>& at) { return at ? Json(to_micros(*at)) : Json(); }

Json encode(const ScheduleRef& ref) {
  return {{"shard", to_int(ref.shard)}, {"namespace", ref.namespace_name}, {"name", ref.name}};
}

Json with_progress(Json object, const ScheduleProgress& progress) {
  Json open = Json::array();
  for (const RunId& run_id : progress.open_runs) open.push_back(run_id.str());
  object["decided_until"] = to_micros(progress.decided_until);
  object["next_fire_at"] = or_null(progress.next_fire_at);
  object["paused_at"] = or_null(progress.paused_at);
  object["last_run_id"] = or_null(progress.last_run_id);
  object["open_runs"] = std::move(open);
  return object;
}

Json encode(const ScheduleRow& row) {
  Json object = with_progress(encode(static_cast<const ScheduleRef&>(row)), row.progress);
  object["schedule_id"] = row.schedule_id.str();
  object["settings"] = row.settings;
  const auto calendar = calendar_of(row.settings);
  object["calendar"] = calendar ? Json(*calendar) : Json();
  object["created_at"] = to_micros(row.created_at);
  object["updated_at"] = to_micros(row.updated_at);
  return object;
}

Json encode(const ScheduleUpdate& row) {
  return with_progress(encode(static_cast<const ScheduleRef&>(row)), row.progress);
}

Json encode(const ScheduleSlotRow& row) {
  return {{"shard", to_int(row.shard)},
          {"schedule_id", row.schedule_id.str()},
          {"slot_at", to_micros(row.slot_at)},
          {"origin", to_string(row.origin)},
          {"fire_at", to_micros(row.fire_at)},
          {"decided_at", to_micros(row.decided_at)},
          {"outcome", to_string(row.outcome)},
          {"reason", row.reason},
          {"run_id", or_null(row.run_id)},
          {"last_slot_at", or_null(row.last_slot_at)},
          {"slot_count", row.slot_count ? Json(*row.slot_count) : Json()}};
}

/// The last of several rows with one key: "on conflict do update" refuses to touch a row twice.
template <typename Row, typename Key>
void add_rows(Parameters& to, const std::vector<Row>& rows, Key key) {
  std::map<decltype(key(rows.front())), const Row*> last;
  for (const Row& row : rows) last[key(row)] = &row;
  if (last.empty()) {
    to.null();
    return;
  }
  Json array = Json::array();
  for (const auto& entry : last) array.push_back(encode(*entry.second));
  to.text(dump_json(array));
}

ScheduleRow read_schedule(const pqxx::row& row) {
  RowReader reader(row);
  ScheduleRow schedule;
  schedule.shard = reader.shard();
  schedule.namespace_name = reader.text();
  schedule.name = reader.text();
  schedule.schedule_id = reader.id<ScheduleTag>();
  schedule.settings = reader.text();
  ScheduleProgress& progress = schedule.progress;
  progress.decided_until = reader.time();
  progress.next_fire_at = reader.optional_time();
  progress.paused_at = reader.optional_time();
  progress.last_run_id = reader.optional_id<RunTag>();
  const Payload open = reader.payload();
  for (const Json& id : json_of(open)) {
    if (auto run_id = RunId::parse(id.get<std::string>())) progress.open_runs.push_back(*run_id);
  }
  schedule.created_at = reader.time();
  schedule.updated_at = reader.time();
  return schedule;
}

ScheduleSlotRow read_slot(const pqxx::row& row) {
  RowReader reader(row);
  ScheduleSlotRow slot;
  slot.shard = reader.shard();
  slot.schedule_id = reader.id<ScheduleTag>();
  slot.slot_at = reader.time();
  slot.origin = parse_slot_origin(reader.text()).value_or(SlotOrigin::schedule);
  slot.fire_at = reader.time();
  slot.decided_at = reader.time();
  slot.outcome = parse_slot_outcome(reader.text()).value_or(SlotOutcome::skipped);
  slot.reason = reader.text();
  slot.run_id = reader.optional_id<RunTag>();
  slot.last_slot_at = reader.optional_time();
  if (const auto count = reader.optional_bigint()) slot.slot_count = static_cast<std::int32_t>(*count);
  return slot;
}

}  // namespace

void write_schedules(Transaction& transaction, const Batch& batch) {
  if (!batch.touches_schedules()) return;
  Parameters parameters;
  const auto by_name = [](const auto& row) { return std::tie(row.shard, row.namespace_name, row.name); };
  add_rows(parameters, batch.schedules_removed, by_name);
  add_rows(parameters, batch.schedules, by_name);
  add_rows(parameters, batch.schedules_moved, by_name);
  add_rows(parameters, batch.schedule_slots,
           [](const auto& row) { return std::tie(row.shard, row.schedule_id, row.slot_at, row.origin); });
  transaction.execute("write_schedules", std::move(parameters));
}

std::vector<LoadedSchedule> load_schedules(Transaction& transaction, ShardId shard) {
  std::vector<LoadedSchedule> schedules;
  std::map<ScheduleId, std::size_t> places;
  Parameters asked;
  asked.integer(to_int(shard));
  for (const auto& row : transaction.execute("load_schedules", std::move(asked))) {
    schedules.push_back({read_schedule(row), {}});
    places[schedules.back().row.schedule_id] = schedules.size() - 1;
  }
  if (schedules.empty()) return schedules;
  Parameters again;
  again.integer(to_int(shard));
  for (const auto& row : transaction.execute("load_queued_slots", std::move(again))) {
    ScheduleSlotRow slot = read_slot(row);
    const auto place = places.find(slot.schedule_id);
    if (place != places.end()) schedules[place->second].queued.push_back(std::move(slot));
  }
  return schedules;
}

Result<ScheduleRow> find_schedule(Session& session, const ScheduleRef& ref) {
  return session.run<ScheduleRow>(Mode::read, [&](Transaction& transaction) -> Result<ScheduleRow> {
    Parameters parameters;
    parameters.integer(to_int(ref.shard)).text(ref.namespace_name).text(ref.name);
    const pqxx::result rows = transaction.execute("find_schedule", std::move(parameters));
    if (rows.empty()) return fail(ErrorCode::not_found, "no such schedule: " + ref.name);
    return read_schedule(rows[0]);
  });
}

Result<SchedulePage> list_schedules(Session& session, const ScheduleFilter& filter) {
  std::optional<ScheduleId> before;
  if (!filter.cursor.empty()) {
    auto id = ScheduleId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
    before = *id;
  }
  return session.run<SchedulePage>(Mode::read, [&](Transaction& transaction) -> Result<SchedulePage> {
    Parameters parameters;
    parameters.text(filter.namespace_name).integer(filter.limit + 1).id(before);
    SchedulePage page;
    for (const auto& row : transaction.execute("list_schedules", std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = page.items.back().schedule_id.str();
        break;
      }
      page.items.push_back(read_schedule(row));
    }
    return page;
  });
}

Result<SlotPage> list_schedule_slots(Session& session, const SlotFilter& filter) {
  auto before = parse_slot_cursor(filter.cursor);
  if (!before) return std::move(before).error();
  return session.run<SlotPage>(Mode::read, [&](Transaction& transaction) -> Result<SlotPage> {
    Parameters parameters;
    parameters.integer(to_int(filter.shard)).id(filter.schedule_id).integer(filter.limit + 1);
    if (*before) {
      parameters.micros((*before)->first).text(to_string((*before)->second));
    } else {
      parameters.null().null();
    }
    SlotPage page;
    for (const auto& row : transaction.execute("list_schedule_slots", std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = slot_cursor(page.items.back());
        break;
      }
      page.items.push_back(read_slot(row));
    }
    return page;
  });
}

Result<std::vector<ScheduleSlotRow>> find_schedule_slots(Session& session, ShardId shard, ScheduleId schedule_id,
                                                         const std::vector<Timestamp>& slots) {
  using Answer = std::vector<ScheduleSlotRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    BinaryArray moments(ElementType::timestamptz);
    for (const Timestamp slot : slots) moments.add(slot);
    Parameters parameters;
    parameters.integer(to_int(shard)).id(schedule_id).array(std::move(moments));
    Answer answer;
    for (const auto& row : transaction.execute("find_schedule_slots", std::move(parameters))) {
      answer.push_back(read_slot(row));
    }
    return answer;
  });
}

void forget_old_slots(Transaction& transaction) {
  Parameters parameters;
  parameters.integer(kSlotDays);
  transaction.execute("forget_old_slots", std::move(parameters));
}

}  // namespace orchestrator::store::postgres
