// What queues' limits and pauses mean for the runs of a group: tasks that end at once, and why others do not begin.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// How often a run that stays ready is asked why.
constexpr Duration kExplainEvery = std::chrono::seconds{10};

}  // namespace

KeysOf ShardGroup::keys_of(const RunHeader& header) {
  if (!header.job) return {};
  return {header.job->concurrency_key, header.job->rate_key};
}

/// False: it has to wait its turn in the worker pool, which posts it back here.
bool ShardGroup::performed_at_once(RunEntry& entry, const core::ScheduleTask& command, const HandlerEntry& handler,
                                   TaskContext& context) {
  if (!handler.immediate || command.timeout_seconds || command.heartbeat_seconds) return false;
  const auto& header = entry.run.header();
  const KeysOf keys = keys_of(header);
  if (!parts_.workers.must_ask(keys)) {
    count_at_once(header.namespace_name, command.queue);
    perform_at_once(entry, command, handler, std::move(context));
    return true;
  }
  const auto ticket = parts_.workers.begin_at_once({header.namespace_name, command.queue}, keys);
  if (!ticket) return false;
  perform_at_once(entry, command, handler, std::move(context));
  parts_.workers.end_at_once(*ticket);
  return true;
}

/// Told to the pool now and then: its lock is not worth one task.
void ShardGroup::count_at_once(const std::string& namespace_name, const std::string& queue) {
  if (at_once_queue_.name != queue || at_once_queue_.namespace_name != namespace_name) {
    report_at_once();
    at_once_queue_ = {namespace_name, queue};
  }
  ++at_once_count_;
}

void ShardGroup::report_at_once() {
  const std::int64_t count = std::exchange(at_once_count_, 0);
  if (count > 0) parts_.workers.count_at_once(at_once_queue_, count);
}

/// `waiting_on` with what keeps ready tasks from beginning, as of now: `worker` becomes `queue_paused` or `limit`.
/// Nothing when nothing does.
std::optional<std::string> ShardGroup::obstacle_text(const RunEntry& entry) {
  const RunHeader& header = entry.run.header();
  const KeysOf keys = keys_of(header);
  if (is_closed(entry.run.state()) || !parts_.workers.must_ask(keys)) return std::nullopt;
  auto items = parse_json(store::shown_waiting_on(header, waiting_on_text(entry)));
  bool has_obstacle = false;
  for (Json& item : *items) {
    if (string_member(item, "kind") != "worker") continue;
    const std::string queue_name = string_member(item, "queue");
    const QueueNameView queue{header.namespace_name, queue_name};
    const auto obstacle = parts_.workers.obstacle_of(queue, keys);
    if (!obstacle) continue;
    has_obstacle = true;
    if (*obstacle == Obstacle::queue_paused) {
      item["kind"] = "queue_paused";
      const auto rules = parts_.workers.rules_of(queue);
      // RFC 3339 in one zone and width: texts compare as times do.
      if (rules) item["since"] = std::max(string_member(item, "since"), to_rfc3339(rules->paused_at));
      continue;
    }
    item["kind"] = "limit";
    item["limit"] = std::string(to_string(*obstacle));
    const bool is_of_key = *obstacle == Obstacle::concurrency_per_key || *obstacle == Obstacle::rate_per_key;
    if (is_of_key) item["key"] = std::string(keys.concurrency_key.empty() ? keys.rate_key : keys.concurrency_key);
  }
  if (!has_obstacle) return std::nullopt;
  return dump_json(*items);
}

std::string ShardGroup::shown_reason(const RunEntry& entry) {
  auto obstacle = obstacle_text(entry);
  if (obstacle) return *std::move(obstacle);
  return store::shown_waiting_on(entry.run.header(), waiting_on_text(entry));
}

/// A run that has been ready for a while: its row shall say what it waits for, too.
void ShardGroup::explain_late(RunEntry& entry, int& budget) {
  const RunHeader& header = entry.run.header();
  if (budget == 0 || entry.uncommitted > 0 || !parts_.workers.must_ask(keys_of(header))) return;
  const Timestamp now = clock_.now();
  if (!entry.explained_at) entry.explained_at = now - kExplainEvery + kStaleRow;
  if (now - *entry.explained_at < kExplainEvery) return;
  entry.explained_at = now;
  --budget;
  if (obstacle_text(entry).value_or(waiting_on_text(entry)) != entry.row.waiting_on) write_late(entry);
}

}  // namespace orchestrator::runtime
