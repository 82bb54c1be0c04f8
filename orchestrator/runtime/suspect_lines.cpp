#include "orchestrator/runtime/suspect_lines.hpp"

#include <algorithm>
#include <utility>

namespace orchestrator::runtime {

void SuspectLines::begin_anew() {
  most_in_hand_ = first_in_hand_;
  came_back_ = 0;
}

void SuspectLines::add(const Line& line, SuspectTask task) {
  Waiting& waiting = lines_[line];
  (task.command.alone ? waiting.alone : waiting.tasks).push_back(std::move(task));
}

SuspectLines::Next SuspectLines::count(const Line& line, std::deque<SuspectTask>& from, bool alone) {
  Next next{std::move(from.front()), alone};
  from.pop_front();
  const auto share = share_of(line);
  in_hand_[{next.task.run_id, next.task.command.task}] = {alone, share};
  ++in_hand_by_share_[share];
  return next;
}

std::optional<SuspectLines::Next> SuspectLines::take(const std::function<bool(const QueueName&)>& may_begin,
                                                     const std::function<bool()>& begin_alone) {
  waits_for_alone_ = false;
  const auto has_room = [this](const Line& line) {
    const auto found = in_hand_by_share_.find(share_of(line));
    return found == in_hand_by_share_.end() || found->second < most_in_hand_;
  };
  const auto is_known = [this](const SuspectTask& task) {
    return in_hand_.contains(HoldKey{task.run_id, task.command.task});
  };
  auto alone = lines_.end();
  // Begins behind the queue that had the last turn.
  auto at = last_ ? lines_.upper_bound(*last_) : lines_.begin();
  for (std::size_t looked_at = lines_.size(); looked_at > 0; --looked_at, ++at) {
    if (at == lines_.end()) at = lines_.begin();
    auto& [line, waiting] = *at;
    for (auto* tasks : {&waiting.tasks, &waiting.alone}) {
      while (!tasks->empty() && is_known(tasks->front())) tasks->pop_front();
    }
    if ((waiting.tasks.empty() && waiting.alone.empty()) || !has_room(line) || !may_begin(line.queue)) continue;
    if (waiting.tasks.empty()) {
      if (alone == lines_.end()) alone = at;
      continue;
    }
    last_ = line;
    Next next = count(line, waiting.tasks, false);
    if (waiting.tasks.empty() && waiting.alone.empty()) lines_.erase(at);
    return next;
  }
  std::erase_if(lines_, [](const auto& entry) { return entry.second.tasks.empty() && entry.second.alone.empty(); });
  if (alone == lines_.end()) return std::nullopt;
  if (!begin_alone()) {
    waits_for_alone_ = true;
    return std::nullopt;
  }
  last_ = alone->first;
  Next next = count(alone->first, alone->second.alone, true);
  if (alone->second.alone.empty()) lines_.erase(alone);
  return next;
}

std::optional<bool> SuspectLines::put_down(const HoldKey& key) {
  const auto found = in_hand_.find(key);
  if (found == in_hand_.end()) return std::nullopt;
  const auto share = in_hand_by_share_.find(found->second.share);
  if (--share->second == 0) in_hand_by_share_.erase(share);
  const bool alone = found->second.alone;
  in_hand_.erase(found);
  if (++came_back_ >= most_in_hand_ && most_in_hand_ < kMostSuspects) {
    most_in_hand_ = std::min(2 * most_in_hand_, kMostSuspects);
    came_back_ = 0;
  }
  return alone;
}

bool SuspectLines::has_waiting(ShardId shard) const {
  const auto is_its = [shard](const SuspectTask& task) { return shard_of(task.run_id) == shard; };
  return std::ranges::any_of(lines_, [&](const auto& entry) {
    return std::ranges::any_of(entry.second.tasks, is_its) || std::ranges::any_of(entry.second.alone, is_its);
  });
}

void SuspectLines::forget_waiting(ShardId shard) {
  const auto is_its = [shard](const SuspectTask& task) { return shard_of(task.run_id) == shard; };
  for (auto& [line, waiting] : lines_) {
    std::erase_if(waiting.tasks, is_its);
    std::erase_if(waiting.alone, is_its);
  }
  std::erase_if(lines_, [](const auto& entry) { return entry.second.tasks.empty() && entry.second.alone.empty(); });
}

std::vector<HoldKey> SuspectLines::in_hand(ShardId shard) const {
  std::vector<HoldKey> keys;
  for (const auto& [key, held] : in_hand_) {
    if (shard_of(key.run_id) == shard) keys.push_back(key);
  }
  return keys;
}

std::map<QueueName, std::int64_t> SuspectLines::waiting() const {
  std::map<QueueName, std::int64_t> counts;
  for (const auto& [line, waiting] : lines_)
    counts[line.queue] += static_cast<std::int64_t>(waiting.tasks.size() + waiting.alone.size());
  return counts;
}

}  // namespace orchestrator::runtime
