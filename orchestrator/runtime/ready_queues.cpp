#include "orchestrator/runtime/ready_queues.hpp"

#include <algorithm>

#include "orchestrator/runtime/parked_jobs.hpp"
#include "orchestrator/runtime/ready_queues_state.hpp"

namespace orchestrator::runtime {

ReadyQueues::ReadyQueues(HistogramFor pickup_seconds) : pickup_seconds_(std::move(pickup_seconds)) {}
ReadyQueues::~ReadyQueues() = default;

ReadyQueues::Queue& ReadyQueues::queue_of(QueueNameView name) {
  const auto known = queues_.find(name);
  if (known != queues_.end()) return *known->second;
  auto queue = std::make_unique<Queue>();
  queue->name = {std::string(name.namespace_name), std::string(name.name)};
  auto& space = namespaces_[queue->name.namespace_name];
  if (space == nullptr) space = std::make_unique<Namespace>();
  queue->space = space.get();
  auto& process = process_limits_[queue->name.name];
  if (process == nullptr) process = std::make_shared<ProcessLimit>();
  queue->process = process;
  if (pickup_seconds_) queue->pickup_seconds = pickup_seconds_(queue->name.name);
  return *queues_.emplace(queue->name, std::move(queue)).first->second;
}

ReadyQueues::Key* ReadyQueues::find_key(Queue& queue, std::string_view text) {
  const auto found = queue.keys.find(text);
  return found == queue.keys.end() ? nullptr : &found->second;
}

ReadyQueues::Key& ReadyQueues::key_of(Queue& queue, std::string_view text) {
  if (Key* known = find_key(queue, text)) return *known;
  const auto made = queue.keys.try_emplace(std::string(text)).first;
  Key& key = made->second;
  key.text = &made->first;
  key.queue = &queue;
  key.number = next_key_++;
  return key;
}

// ---- becoming ready ----------------------------------------------------------------------------------------------

void ReadyQueues::add(std::shared_ptr<Task> task, Duration now) {
  Queue& queue = queue_of({task->context.namespace_name, task->command.queue});
  if (task->number == 0) task->number = next_number();
  const std::uint64_t number = task->number;
  insert(queue, {std::move(task), now, number}, now);
}

void ReadyQueues::insert(Queue& queue, Ready ready, Duration now) {
  const Task& task = *ready.task;
  task.hold->ready = &task;
  if (task.lane != nullptr) task.lane->one_more();
  Line& line = task.handler != nullptr ? queue.local : queue.remote[task.command.handler];
  const Order order{task.command.priority, ready.number};
  const std::string_view text = key_text_of(keys_of(task));
  ++queue.ready;
  ++ready_count_;
  queue.heard_of = now;
  if (text.empty()) {
    line.insert(order, std::move(ready));
  } else {
    Key& key = key_of(queue, text);
    Waiting& waiting = key.waiting_for(line, !task.concurrency_key.empty(), !task.rate_key.empty());
    waiting.tasks.add(order, std::move(ready));
    refresh(key, now);
  }
  queue.note_ready();
}

// ---- beginning ---------------------------------------------------------------------------------------------------

bool ReadyQueues::may_begin(const Queue& queue, Duration now) {
  if (queue.rules.paused || queue.in_flight >= queue.max_here) return false;
  return !queue.has_rate || (queue.share.tokens > 0 && now < queue.share.tokens_until);
}

/// May begin, for something that is ready and that somebody is there for.
bool ReadyQueues::wants_to_begin(Queue& queue, Duration now) {
  if (may_begin(queue, now)) return true;
  if (!queue.rules.paused) note_hunger(queue);
  return false;
}

void ReadyQueues::note_hunger(Queue& queue) {
  if (!std::exchange(queue.is_hungry, true)) hungry_.push_back(queue.name);
}

/// The namespace's next queue: the highest priority, then whose turn it is, then what has been ready for longest.
ReadyQueues::Queue* ReadyQueues::choose(Namespace& space, Duration now) {
  Queue* best = nullptr;
  Order best_order;
  double best_tag = 0;
  for (std::size_t at = 0; at < space.active.size();) {
    Queue& queue = *space.active[at];
    ++looked_at_;
    const std::optional<Order> order = queue.local.first();
    if (!order) {
      queue.is_active = false;
      std::swap(space.active[at], space.active.back());
      space.active.pop_back();
      continue;
    }
    ++at;
    const bool is_full = queue.process->limit > 0 && queue.process->in_flight >= queue.process->limit;
    if (is_full || !wants_to_begin(queue, now)) continue;
    // Who could not begin for a while has not saved up its turns.
    const double tag = std::max(queue.tag, space.virtual_time);
    const auto is_before = [&] {
      if (order->priority != best_order.priority) return order->priority > best_order.priority;
      return tag != best_tag ? tag < best_tag : order->number < best_order.number;
    };
    if (best != nullptr && !is_before()) continue;
    best = &queue;
    best_order = *order;
    best_tag = tag;
  }
  space.next_order = best_order;
  return best;
}

std::optional<ReadyQueues::Begun> ReadyQueues::begin(Duration now) {
  open_keys(now);
  Queue* chosen = nullptr;
  double chosen_tag = 0;
  std::uint64_t chosen_number = 0;
  for (auto& [name, space] : namespaces_) {
    if (space->active.empty()) continue;
    Queue* queue = choose(*space, now);
    if (queue == nullptr) continue;
    const double tag = std::max(space->tag, virtual_time_);
    const std::uint64_t number = space->next_order.number;
    if (chosen != nullptr && (tag != chosen_tag ? tag > chosen_tag : number > chosen_number)) continue;
    chosen = queue;
    chosen_tag = tag;
    chosen_number = number;
  }
  if (chosen == nullptr) return std::nullopt;
  const double cost = 1.0 / static_cast<double>(chosen->rules.limits.weight.value_or(1));
  Namespace& space = *chosen->space;
  virtual_time_ = chosen_tag;
  space.tag = chosen_tag + cost;
  space.virtual_time = std::max(chosen->tag, space.virtual_time);
  chosen->tag = space.virtual_time + cost;
  return take(*chosen, chosen->local, true, now);
}

/// The line whose first task comes first, of those that the worker performs.
ReadyQueues::Line* ReadyQueues::line_to_claim(Queue& queue, const std::vector<std::string>& handlers) {
  Line* best = nullptr;
  Order best_order;
  const auto consider = [&](Line& line) {
    ++looked_at_;
    const auto order = line.first();
    if (!order || (best != nullptr && best_order < *order)) return;
    best = &line;
    best_order = *order;
  };
  if (handlers.empty()) {
    for (auto& [handler, line] : queue.remote) consider(line);
  }
  for (const auto& handler : handlers) {
    const auto line = queue.remote.find(handler);
    if (line != queue.remote.end()) consider(line->second);
  }
  return best;
}

std::optional<ReadyQueues::Begun> ReadyQueues::begin_remote(QueueNameView name,
                                                            const std::vector<std::string>& handlers, Duration now) {
  open_keys(now);
  const auto found = queues_.find(name);
  if (found == queues_.end()) return std::nullopt;
  Line* line = line_to_claim(*found->second, handlers);
  if (line == nullptr || !wants_to_begin(*found->second, now)) return std::nullopt;
  return take(*found->second, *line, false, now);
}

ReadyQueues::Begun ReadyQueues::take(Queue& queue, Line& line, bool is_local, Duration now) {
  Begun begun;
  begun.ticket = {.queue = &queue, .key = nullptr, .is_local = is_local};
  begun.pickup_seconds = queue.pickup_seconds;
  Ready ready;
  Key* key = nullptr;
  if (const auto head = line.head_of_keys(); head != nullptr) {
    key = head->key;
    ready = head->tasks.pop();
    // A task that was cancelled while it waited takes nothing: it ends at once.
    const bool is_over = ready.task->hold->cancel_requested;
    if (head->counts && !is_over) {
      ++key->in_flight;
      begun.ticket.key = key;
    }
    if (head->is_paced && queue.key_rate && !is_over) key->bucket.take(*queue.key_rate, now);
  } else {
    ready = line.pop();
  }
  queue.one_less_ready();
  --ready_count_;
  if (!ready.task->hold->cancel_requested) spend_token(queue);
  ++queue.in_flight;
  if (is_local) {
    ++queue.process->in_flight;
    ++queue.in_local_slots;
  }
  count_begun(queue, 1, now);
  if (key != nullptr) refresh(*key, now);
  begun.task = std::move(ready.task);
  begun.since = ready.since;
  note_gone(*begun.task);
  return begun;
}

std::optional<ReadyQueues::Ticket> ReadyQueues::begin_at_once(QueueNameView name, const KeysOf& keys, Duration now) {
  open_keys(now);
  Queue& queue = queue_of(name);
  const bool is_limited = queue.has_rate || queue.rules.limits.max_in_flight;
  if (!may_begin(queue, now) || (is_limited && queue.ready > 0)) return std::nullopt;
  Ticket ticket{.queue = &queue};
  if (const std::string_view text = key_text_of(keys); !text.empty()) {
    Key& key = key_of(queue, text);
    const bool counts = !keys.concurrency_key.empty();
    const bool is_paced = !keys.rate_key.empty() && queue.key_rate;
    const bool is_free = key.waiting.empty() && (!counts || key.in_flight < queue.per_key) &&
                         (!is_paced || key.bucket.is_open(*queue.key_rate, now));
    if (!is_free) return std::nullopt;
    if (is_paced) key.bucket.take(*queue.key_rate, now);
    if (counts) {
      ++key.in_flight;
      ticket.key = &key;
    }
    refresh(key, now);
  }
  spend_token(queue);
  ++queue.in_flight;
  count_begun(queue, 1, now);
  return ticket;
}

ReadyQueues::Ticket ReadyQueues::adopt(QueueNameView name, const KeysOf& keys, Duration now) {
  Queue& queue = queue_of(name);
  Ticket ticket{.queue = &queue};
  ++queue.in_flight;
  if (queue.in_flight > queue.max_here) note_hunger(queue);
  queue.heard_of = now;
  if (!keys.concurrency_key.empty()) {
    ticket.key = &key_of(queue, keys.concurrency_key);
    ++ticket.key->in_flight;
    refresh(*ticket.key, now);
  }
  return ticket;
}

void ReadyQueues::end(const Ticket& ticket, Duration now) {
  if (ticket.queue == nullptr) return;
  Queue& queue = *ticket.queue;
  --queue.in_flight;
  if (ticket.is_local) {
    --queue.process->in_flight;
    --queue.in_local_slots;
  }
  queue.heard_of = now;
  if (ticket.key != nullptr) {
    --ticket.key->in_flight;
    if (!ticket.key->shows_all()) refresh(*ticket.key, now);
    queue.note_ready();
  }
}

void ReadyQueues::put_back(Begun begun, Duration now) {
  Queue& queue = *begun.ticket.queue;
  end(begun.ticket, now);
  const std::uint64_t number = begun.task->number;
  insert(queue, {std::move(begun.task), begun.since, number}, now);
}

void ReadyQueues::remove(const Task& task, Duration now) {
  const auto found = queues_.find(QueueNameView{task.context.namespace_name, task.command.queue});
  if (found == queues_.end()) return;
  Queue& queue = *found->second;
  Line& line = task.handler != nullptr ? queue.local : queue.remote[task.command.handler];
  const Order order{task.command.priority, task.number};
  const std::string_view text = key_text_of(keys_of(task));
  queue.one_less_ready();
  --ready_count_;
  note_gone(task);
  if (text.empty()) {
    line.remove(order);  // the task is gone
    return;
  }
  Key* key = find_key(queue, text);
  if (key == nullptr) return;
  key->waiting_for(line, !task.concurrency_key.empty(), !task.rate_key.empty()).tasks.remove(order);
  refresh(*key, now);
}

void ReadyQueues::note_gone(const Task& task) {
  task.hold->ready = nullptr;
  if (task.lane != nullptr) task.lane->one_less();
}

void ReadyQueues::spend_token(Queue& queue) {
  if (queue.has_rate) --queue.share.tokens;
}

void ReadyQueues::count_begun(Queue& queue, std::int64_t count, Duration now) {
  queue.heard_of = now;
  queue.begun.add(count, now);
}

void ReadyQueues::count_begun(QueueNameView name, std::int64_t count, Duration now) {
  count_begun(queue_of(name), count, now);
}

// ---- keys --------------------------------------------------------------------------------------------------------

bool ReadyQueues::is_open(const Key& key, const Waiting& waiting, Duration now) {
  const Queue& queue = *key.queue;
  if (waiting.counts && key.in_flight >= queue.per_key) return false;
  return !waiting.is_paced || !queue.key_rate || key.bucket.is_open(*queue.key_rate, now);
}

/// Shows the first task of the key in its line exactly while it may begin. A key that says nothing more is forgotten,
/// and gone afterwards.
void ReadyQueues::refresh(Key& key, Duration now) {
  const Queue& queue = *key.queue;
  const bool is_dry = queue.key_rate && !key.bucket.is_open(*queue.key_rate, now);
  bool waits_for_tokens = false;
  for (auto at = key.waiting.begin(); at != key.waiting.end();) {
    Waiting& waiting = *at;
    std::optional<Order> first;
    if (!waiting.tasks.empty() && is_open(key, waiting, now)) first = waiting.tasks.begin()->first;
    if (!waiting.tasks.empty() && waiting.is_paced && is_dry) waits_for_tokens = true;
    show(waiting, first);
    at = waiting.tasks.empty() ? key.waiting.erase(at) : std::next(at);
  }
  set_wake(openings_, key, key.opens_at,
           waits_for_tokens ? std::optional(key.bucket.opens_at(*queue.key_rate)) : std::nullopt);
  const bool is_idle = key.in_flight == 0 && key.waiting.empty();
  const bool is_full = !queue.key_rate || key.bucket.is_full(now);
  set_wake(fading_, key, key.fades_at, is_idle && !is_full ? std::optional(key.bucket.full_at()) : std::nullopt);
  if (is_idle && is_full) {
    forget(key);
  } else if (fading_.size() > kMaxFadingKeys) {
    forget(*fading_.begin()->key);
  }
}

/// Takes the key's old place in its line for the new one, if it has both: this happens once for each task.
void ReadyQueues::show(Waiting& waiting, const std::optional<Order>& first) {
  auto& heads = waiting.line->heads;
  if (waiting.shown && first && (*waiting.shown)->first == *first) return;
  if (!waiting.shown) {
    if (first) waiting.shown = heads.emplace(*first, &waiting).first;
    return;
  }
  auto place = heads.extract(*waiting.shown);
  waiting.shown.reset();
  if (!first) return;
  place.key() = *first;
  // Where keys take turns, the one that was first is last now.
  waiting.shown = heads.insert(heads.end(), std::move(place));
}

void ReadyQueues::set_wake(std::set<Wake>& wakes, Key& key, std::optional<Duration>& known,
                           std::optional<Duration> at) {
  if (known == at) return;
  if (known) wakes.erase({*known, key.number, &key});
  if (at) wakes.insert({*at, key.number, &key});
  known = at;
}

void ReadyQueues::forget(Key& key) {
  set_wake(openings_, key, key.opens_at, std::nullopt);
  set_wake(fading_, key, key.fades_at, std::nullopt);
  auto& keys = key.queue->keys;
  keys.erase(keys.find(*key.text));
}

void ReadyQueues::open_keys(Duration now) {
  while (!openings_.empty() && openings_.begin()->at <= now) {
    Key& key = *openings_.begin()->key;
    Queue& queue = *key.queue;
    refresh(key, now);
    queue.note_ready();
  }
}

// ---- settings ----------------------------------------------------------------------------------------------------

void ReadyQueues::set_rules(const QueueName& name, QueueRules rules, Duration now) {
  Queue& queue = queue_of(name);
  rule_count_ += (rules == QueueRules{} ? 0 : 1) - (queue.rules == QueueRules{} ? 0 : 1);
  queue.rules = rules;
  adjust(queue, now);
}

void ReadyQueues::set_share(const QueueName& name, QueueShare share) {
  Queue& queue = queue_of(name);
  queue.share = share;
  // Who still finds too little says so again.
  queue.is_hungry = false;
  fit_share(queue);
}

std::int64_t ReadyQueues::take_tokens_back(QueueNameView name) {
  const auto found = queues_.find(name);
  return found == queues_.end() ? 0 : std::exchange(found->second->share.tokens, 0);
}

void ReadyQueues::fit_share(Queue& queue) {
  const auto& most = queue.rules.limits.max_in_flight;
  queue.max_here = most ? std::min(*most, queue.share.max_in_flight) : kUnlimited;
}

QueueDemand ReadyQueues::demand_of(QueueNameView name, Duration now) const {
  const auto found = queues_.find(name);
  if (found == queues_.end()) return {};
  const Queue& queue = *found->second;
  return {.ready = queue.ready,
          .in_flight = queue.in_flight,
          .is_hungry = queue.is_hungry && queue.ready > 0,
          .tokens = now < queue.share.tokens_until ? queue.share.tokens : 0,
          .begun_lately = queue.begun.in_window(now)};
}

void ReadyQueues::set_process_limit(const std::string& queue, int limit) {
  auto& process = process_limits_[queue];
  if (process == nullptr) process = std::make_shared<ProcessLimit>();
  process->limit = limit;
}

/// Rare: an operator changed something.
void ReadyQueues::adjust(Queue& queue, Duration now) {
  const QueueLimits& limits = queue.rules.limits;
  fit_share(queue);
  queue.per_key = limits.concurrency_per_key.value_or(kDefaultConcurrencyPerKey);
  queue.has_rate = limits.rate.has_value();
  const bool had_key_rate = queue.key_rate.has_value();
  queue.key_rate.reset();
  if (limits.rate_per_key) queue.key_rate = TokenRate::of(*limits.rate_per_key);
  std::vector<Key*> keys;
  for (auto& [text, key] : queue.keys) keys.push_back(&key);
  for (Key* key : keys) {
    // A bucket that counted for nothing meanwhile begins anew.
    if (!had_key_rate) key->bucket = {};
    if (queue.key_rate) key->bucket.fit(*queue.key_rate, now);
    refresh(*key, now);
  }
  queue.note_ready();
}

}  // namespace orchestrator::runtime
