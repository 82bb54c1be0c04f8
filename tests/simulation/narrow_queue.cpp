#include "tests/simulation/narrow_queue.hpp"

namespace orchestrator::testing {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds{100};
/// What may pass between a task's hand-out and the call of its handler.
constexpr Duration kHandOut = std::chrono::milliseconds{50};

}  // namespace

void NarrowQueue::set_limits(const QueueLimits& limits) {
  limits_ = limits;
  look();
}

bool NarrowQueue::has_lease(const Call& call) const {
  const auto& nodes = cluster_.tables().nodes;
  const auto node = nodes.find(NodeId{call.node});
  return node != nodes.end() && node->second.row.lease_until >= cluster_.world.database_now();
}

void NarrowQueue::look() {
  std::erase_if(in_hand_, [&](const auto& call) { return !has_lease(call.second); });
  for (const auto& name : cluster_.node_names()) {
    if (cluster_.is_frozen(name)) frozen_[name] = cluster_.world.now();
  }
  cluster_.world.post_at(cluster_.world.now() + kLookEvery, [this] { look(); });
}

std::uint64_t NarrowQueue::begin() {
  const std::uint64_t number = next_call_++;
  const std::string node = cluster_.running_on();
  std::erase_if(in_hand_,
                [&](const auto& call) { return !has_lease(call.second) || !cluster_.is_alive(call.second.process); });
  in_hand_[number] = {.node = node, .process = cluster_.running_process()};
  if (cluster_.world.now() < doubted_until_) return number;
  if (limits_.max_in_flight && static_cast<std::int64_t>(in_hand_.size()) > *limits_.max_in_flight) {
    std::string where;
    for (const auto& [call, by] : in_hand_) where += " " + by.node;
    findings_.add("I-24", std::to_string(in_hand_.size()) + " of a queue in hand, whose limit is " +
                              std::to_string(*limits_.max_in_flight) + ": on" + where);
  }
  check_window(node);
  return number;
}

void NarrowQueue::check_window(const std::string& node) {
  if (!limits_.rate) return;
  const Duration now = cluster_.world.now();
  // A stopped node calls late what it began long ago.
  const auto frozen = frozen_.find(node);
  if (frozen != frozen_.end() && now < frozen->second + 2 * kLookEvery) return;
  begun_.push_back(now);
  const Duration window = std::chrono::seconds{limits_.rate->per_seconds};
  while (begun_.front() <= now - window + kHandOut) begun_.pop_front();
  if (static_cast<std::int64_t>(begun_.size()) > 2 * limits_.rate->count)
    findings_.add("I-24", std::to_string(begun_.size()) + " of a queue began within " +
                              std::to_string(limits_.rate->per_seconds) + " s, whose rate is " +
                              std::to_string(limits_.rate->count));
}

}  // namespace orchestrator::testing
