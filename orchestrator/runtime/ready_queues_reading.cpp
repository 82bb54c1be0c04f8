// What ReadyQueues can be asked, and what leaves it without being begun.
#include <algorithm>
#include <limits>

#include "orchestrator/runtime/ready_queues.hpp"
#include "orchestrator/runtime/ready_queues_state.hpp"

namespace orchestrator::runtime {

std::optional<Duration> ReadyQueues::next_opening() const {
  if (openings_.empty()) return std::nullopt;
  return openings_.begin()->at;
}

std::optional<Obstacle> ReadyQueues::obstacle_of(QueueNameView name, const KeysOf& keys, Duration now) const {
  const auto found = queues_.find(name);
  if (found == queues_.end()) return std::nullopt;
  const Queue& queue = *found->second;
  if (queue.rules.paused) return Obstacle::queue_paused;
  if (queue.in_flight >= queue.max_here) return Obstacle::max_in_flight;
  if (!may_begin(queue, now)) return Obstacle::rate;
  const auto found_key = queue.keys.find(key_text_of(keys));
  if (found_key == queue.keys.end()) return std::nullopt;
  const Key& key = found_key->second;
  if (!keys.concurrency_key.empty() && key.in_flight >= queue.per_key) return Obstacle::concurrency_per_key;
  const bool is_dry = !keys.rate_key.empty() && queue.key_rate && !key.bucket.is_open(*queue.key_rate, now);
  return is_dry ? std::optional(Obstacle::rate_per_key) : std::nullopt;
}

bool ReadyQueues::may_begin_remote(QueueNameView name, const std::vector<std::string>& handlers, Duration now) {
  open_keys(now);
  const auto found = queues_.find(name);
  if (found == queues_.end()) return false;
  Queue& queue = *found->second;
  const bool is_there = std::any_of(queue.remote.begin(), queue.remote.end(), [&](const auto& line) {
    const bool fits = handlers.empty() || std::find(handlers.begin(), handlers.end(), line.first) != handlers.end();
    return fits && line.second.first().has_value();
  });
  return is_there && wants_to_begin(queue, now);
}

std::optional<QueueRules> ReadyQueues::rules_of(QueueNameView name) const {
  const auto found = queues_.find(name);
  if (found == queues_.end()) return std::nullopt;
  return found->second->rules;
}

std::vector<QueueReading> ReadyQueues::readings(Duration now) const {
  std::vector<QueueReading> readings;
  for (const auto& [name, queue] : queues_) {
    QueueReading reading;
    reading.queue = name;
    reading.depth = queue->ready;
    reading.in_flight = queue->in_flight;
    reading.in_local_slots = queue->in_local_slots;
    reading.begun_lately = queue->begun.in_window(now);
    reading.rules = queue->rules;
    const auto look = [&](const Ready& ready) {
      reading.oldest_ready_age = std::max(reading.oldest_ready_age, now - ready.since);
    };
    const auto look_at_line = [&](const Line& line) {
      // Of one priority the first is the oldest.
      for (const auto& [priority, tasks] : line.plain) {
        if (!tasks.empty()) look(tasks.front());
      }
    };
    look_at_line(queue->local);
    for (const auto& [handler, line] : queue->remote) look_at_line(line);
    const auto obstacle_of_all = obstacle_of(QueueNameView{name.namespace_name, name.name}, {}, now);
    if (obstacle_of_all) reading.waiting[static_cast<std::size_t>(*obstacle_of_all)] = queue->ready;
    for (const auto& [text, key] : queue->keys) {
      for (const Waiting& waiting : key.waiting) {
        for (auto at = waiting.tasks.begin(); at != waiting.tasks.end();) {
          look(at->second);  // of one priority the first is the oldest
          at = waiting.tasks.after_priority(at->first);
        }
        if (obstacle_of_all || is_open(key, waiting, now)) continue;
        const bool is_busy = waiting.counts && key.in_flight >= queue->per_key;
        const Obstacle obstacle = is_busy ? Obstacle::concurrency_per_key : Obstacle::rate_per_key;
        reading.waiting[static_cast<std::size_t>(obstacle)] += static_cast<std::int64_t>(waiting.tasks.size());
      }
    }
    readings.push_back(std::move(reading));
  }
  return readings;
}

std::map<std::string, std::int64_t> ReadyQueues::ready_by_handler() const {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [name, queue] : queues_) {
    for (const auto& [handler, line] : queue->remote) {
      std::int64_t count = line.plain_count;
      for (const auto& [text, key] : queue->keys) {
        for (const Waiting& waiting : key.waiting) {
          if (waiting.line == &line) count += static_cast<std::int64_t>(waiting.tasks.size());
        }
      }
      if (count > 0) counts[handler] += count;
    }
  }
  return counts;
}

std::size_t ReadyQueues::key_count() const {
  std::size_t count = 0;
  for (const auto& [name, queue] : queues_) count += queue->keys.size();
  return count;
}

std::vector<std::pair<RunId, core::TaskRef>> ReadyQueues::withdraw(ShardId shard, Duration now) {
  std::vector<std::pair<RunId, core::TaskRef>> withdrawn;
  for (auto& [name, queue] : queues_) {
    const std::size_t before = withdrawn.size();
    const auto is_gone = [&](const Ready& ready) {
      const Task& task = *ready.task;
      if (shard_of(task.context.run_id) != shard) return false;
      withdrawn.emplace_back(task.context.run_id, task.command.task);
      note_gone(task);
      return true;
    };
    const auto clear = [&](Line& line) {
      for (auto& [priority, tasks] : line.plain)
        line.plain_count -= static_cast<std::int64_t>(std::erase_if(tasks, is_gone));
    };
    clear(queue->local);
    for (auto& [handler, line] : queue->remote) clear(line);
    std::vector<Key*> keys;
    for (auto& [text, key] : queue->keys) keys.push_back(&key);
    for (Key* key : keys) {
      for (Waiting& waiting : key->waiting) waiting.tasks.remove_if(is_gone);
      refresh(*key, now);
    }
    const auto count = static_cast<std::int64_t>(withdrawn.size() - before);
    queue->ready -= count;
    ready_count_ -= count;
  }
  return withdrawn;
}

void ReadyQueues::forget_idle(Duration now) {
  while (!fading_.empty() && fading_.begin()->at <= now) refresh(*fading_.begin()->key, now);
  for (auto at = queues_.begin(); at != queues_.end();) {
    Queue& queue = *at->second;
    if (queue.ready == 0) queue.remote.clear();
    const bool is_used = queue.ready > 0 || queue.in_flight > 0 || !queue.keys.empty() || queue.rules != QueueRules{};
    if (is_used || now - queue.heard_of < kForgetQueueAfter) {
      ++at;
      continue;
    }
    std::erase(queue.space->active, &queue);
    at = queues_.erase(at);
  }
  std::erase_if(process_limits_, [](const auto& one) { return one.second->limit == 0 && one.second.use_count() == 1; });
}

}  // namespace orchestrator::runtime
