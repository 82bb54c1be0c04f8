#pragma once

#include <algorithm>
#include <limits>

#include "orchestrator/runtime/ready_queues.hpp"

/// What ReadyQueues keeps. For its own two files.
namespace orchestrator::runtime {

inline constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

inline KeysOf keys_of(const Task& task) { return {task.concurrency_key, task.rate_key}; }

/// Where more than one key is given they are the same text; empty: none.
inline std::string_view key_text_of(const KeysOf& keys) {
  return keys.concurrency_key.empty() ? keys.rate_key : keys.concurrency_key;
}

/// Beginnings of the last seconds.
struct BegunLately {
  void add(std::int64_t count, Duration now) {
    const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now).count();
    Slot& slot = slots[static_cast<std::size_t>(second % kSlots)];
    if (slot.second != second) slot = {second, 0};
    slot.count += count;
  }
  [[nodiscard]] std::int64_t in_window(Duration now) const {
    const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now).count();
    std::int64_t sum = 0;
    for (const Slot& slot : slots) {
      if (slot.second < second && slot.second >= second - kRateWindowSeconds) sum += slot.count;
    }
    return sum;
  }

  static constexpr std::int64_t kSlots = kRateWindowSeconds + 1;
  struct Slot {
    std::int64_t second = -1;
    std::int64_t count = 0;
  };
  std::array<Slot, kSlots> slots;
};

/// Ready tasks that one kind of worker performs: the slots of this process, or whoever claims a handler.
struct ReadyQueues::Line {
  /// Tasks without a key, in order. Priorities stay, there are 201 of them at most.
  std::map<std::int32_t, std::deque<Ready>, std::greater<>> plain;
  std::int64_t plain_count = 0;
  /// The first task of every key that may begin.
  using Heads = std::map<Order, Waiting*>;
  Heads heads;

  void insert(const Order& order, Ready ready) {
    auto& tasks = plain[order.priority];
    ++plain_count;
    if (tasks.empty() || tasks.back().number < order.number) {
      tasks.push_back(std::move(ready));
      return;
    }
    const auto place = std::lower_bound(tasks.begin(), tasks.end(), order.number,
                                        [](const Ready& one, std::uint64_t number) { return one.number < number; });
    tasks.insert(place, std::move(ready));
  }
  [[nodiscard]] std::optional<Order> first_plain() const {
    if (plain_count == 0) return std::nullopt;
    const auto tasks = std::find_if(plain.begin(), plain.end(), [](const auto& one) { return !one.second.empty(); });
    return Order{tasks->first, tasks->second.front().number};
  }
  [[nodiscard]] std::optional<Order> first() const {
    const auto first = first_plain();
    if (heads.empty() || (first && *first < heads.begin()->first)) return first;
    return heads.begin()->first;
  }
  /// Whose task is first; null: one without a key.
  [[nodiscard]] Waiting* head_of_keys() const {
    if (heads.empty()) return nullptr;
    const auto first = first_plain();
    return first && *first < heads.begin()->first ? nullptr : heads.begin()->second;
  }
  /// Takes one without a key out of its place.
  bool remove(const Order& order) {
    const auto tasks = plain.find(order.priority);
    if (tasks == plain.end()) return false;
    const auto place = std::lower_bound(tasks->second.begin(), tasks->second.end(), order.number,
                                        [](const Ready& one, std::uint64_t number) { return one.number < number; });
    if (place == tasks->second.end() || place->number != order.number) return false;
    tasks->second.erase(place);
    --plain_count;
    return true;
  }
  /// The first one without a key.
  Ready pop() {
    const auto tasks = std::find_if(plain.begin(), plain.end(), [](const auto& one) { return !one.second.empty(); });
    Ready ready = std::move(tasks->second.front());
    tasks->second.pop_front();
    --plain_count;
    return ready;
  }
};

/// A key's tasks in order. They nearly always come at the end and leave at the front: a vector whose first `gone_`
/// places are empty costs a fraction of a tree.
class ReadyQueues::OrderedTasks {
 public:
  using Item = std::pair<Order, Ready>;

  [[nodiscard]] bool empty() const { return gone_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - gone_; }
  [[nodiscard]] auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(gone_); }
  [[nodiscard]] auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(gone_); }
  [[nodiscard]] auto end() const { return items_.end(); }
  /// The first one that comes after all of that priority which `order` has.
  [[nodiscard]] auto after_priority(const Order& order) const {
    const Order last{order.priority, std::numeric_limits<std::uint64_t>::max()};
    return std::upper_bound(begin(), end(), last, [](const Order& one, const Item& item) { return one < item.first; });
  }

  void add(const Order& order, Ready ready) {
    if (empty() || items_.back().first < order) {
      items_.emplace_back(order, std::move(ready));
    } else {
      items_.emplace(find(order), order, std::move(ready));
    }
  }
  Ready pop() {
    Ready first = std::move(begin()->second);
    ++gone_;
    if (2 * gone_ >= items_.size()) drop_gone();
    return first;
  }
  void remove(const Order& order) {
    const auto place = find(order);
    if (place != items_.end() && place->first == order) items_.erase(place);
  }
  template <typename Gone>
  void remove_if(Gone is_gone) {
    drop_gone();
    std::erase_if(items_, [&](const Item& item) { return is_gone(item.second); });
  }

 private:
  [[nodiscard]] std::vector<Item>::iterator find(const Order& order) {
    return std::lower_bound(begin(), items_.end(), order,
                            [](const Item& item, const Order& one) { return item.first < one; });
  }
  void drop_gone() {
    items_.erase(items_.begin(), begin());
    gone_ = 0;
  }

  std::vector<Item> items_;
  std::size_t gone_ = 0;
};

/// Tasks of one key that are alike: for the same workers, under the same limits.
struct ReadyQueues::Waiting {
  Key* key = nullptr;
  Line* line = nullptr;
  bool counts = false;    ///< under concurrency_per_key
  bool is_paced = false;  ///< under rate_per_key
  OrderedTasks tasks;
  std::optional<Line::Heads::iterator> shown;  ///< its place in the line's heads
};

struct ReadyQueues::Key {
  const std::string* text = nullptr;
  Queue* queue = nullptr;
  std::uint64_t number = 0;
  std::int64_t in_flight = 0;  ///< of tasks that count under concurrency_per_key
  TokenBucket bucket;
  std::optional<Duration> opens_at;  ///< in openings_
  std::optional<Duration> fades_at;  ///< in fading_
  std::list<Waiting> waiting;

  Waiting& waiting_for(Line& line, bool counts, bool is_paced) {
    for (Waiting& one : waiting) {
      if (one.line == &line && one.counts == counts && one.is_paced == is_paced) return one;
    }
    waiting.push_back({this, &line, counts, is_paced, {}, {}});
    return waiting.back();
  }
  /// Whether one less in flight changes nothing but that number.
  [[nodiscard]] bool shows_all() const {
    return !waiting.empty() && std::ranges::all_of(waiting, [](const Waiting& one) { return one.shown.has_value(); });
  }
};

struct ReadyQueues::Namespace {
  double tag = 0;              ///< when its next turn is, in the virtual time of all
  double virtual_time = 0;     ///< among its queues
  std::vector<Queue*> active;  ///< with something for a slot of this process, or had it a moment ago
  Order next_order;            ///< of what choose() found last
};

struct ReadyQueues::Queue {
  QueueName name;
  Namespace* space = nullptr;
  std::shared_ptr<ProcessLimit> process;  ///< shared by the queues of this name in all namespaces
  telemetry::Histogram pickup_seconds;
  QueueRules rules;
  QueueShare share;

  // What rules and share come to.
  std::int64_t max_here = kUnlimited;
  std::int64_t per_key = kDefaultConcurrencyPerKey;
  bool has_rate = false;
  bool is_hungry = false;  ///< something would have begun but for the share
  std::optional<TokenRate> key_rate;

  Line local;
  std::map<std::string, Line, std::less<>> remote;  ///< by handler
  std::unordered_map<std::string, Key, TextHash, std::equal_to<>> keys;
  BegunLately begun;
  std::int64_t ready = 0;
  std::int64_t in_flight = 0;
  std::int64_t in_local_slots = 0;
  double tag = 0;  ///< when its next turn is, in the virtual time of its namespace
  bool is_active = false;
  Duration heard_of{};

  /// Who is not hungry any more says so when it is again: else nobody would ask for a share.
  void one_less_ready() {
    if (--ready == 0) is_hungry = false;
  }
  void note_ready() {
    if (is_active || (local.plain_count == 0 && local.heads.empty())) return;
    is_active = true;
    space->active.push_back(this);
  }
};

}  // namespace orchestrator::runtime
