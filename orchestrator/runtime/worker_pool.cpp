#include "orchestrator/runtime/worker_pool.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::runtime {
namespace {

constexpr const char* kDefaultNamespace = "default";
constexpr const char* kDefaultQueue = "default";
constexpr Duration kMaxAlone = std::chrono::minutes{1};
/// Openings of rates are looked for no more often than this.
constexpr Duration kLeastAlarm = std::chrono::milliseconds{1};

/// The label of metrics, as in orchestrator_steps_total.
std::string_view word_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::completed: return "completed";
    case Outcome::Kind::failed: return "failed";
    case Outcome::Kind::unknown: return "unknown";
    case Outcome::Kind::snoozed: return "snoozed";
    case Outcome::Kind::cancelled: return "cancelled";
  }
  return "unknown";
}

Outcome thrown(const std::string& what) { return Outcome::failed("Orchestrator.HandlerThrew", what); }

Outcome call_plain(const Task& task, TaskContext& context) {
  try {
    return task.handler->plain(json_of(task.command.input), context);
  } catch (const std::exception& e) {
    return thrown(e.what());
  } catch (...) {
    return thrown("a handler threw something that is not an exception");
  }
}

Outcome call_transactional(const Task& task, TaskContext& context, Sql& sql) {
  try {
    return task.handler->transactional(json_of(task.command.input), context, sql);
  } catch (const std::exception& e) {
    return thrown(e.what());
  } catch (...) {
    return thrown("a handler threw something that is not an exception");
  }
}

}  // namespace

WorkerPool::WorkerPool(store::Store& store, HandlerThreads& threads, const Clock& clock, telemetry::Metrics& metrics,
                       int slots, std::function<bool()> may_start)
    : store_(store),
      threads_(threads),
      clock_(clock),
      metrics_(metrics),
      slots_(slots),
      may_start_(std::move(may_start)),
      ready_(
          [&metrics](const std::string& queue) { return metrics.histogram(telemetry::kStepPickupSeconds, {queue}); }) {
  // There from the start, for whoever looks at the queues.
  const telemetry::MutexLock lock(mutex_);
  ready_.set_rules({kDefaultNamespace, kDefaultQueue}, {}, clock_.steady_now());
}

void WorkerPool::submit(Task task) {
  const bool is_remote = task.handler == nullptr;
  std::vector<RemoteClaims::Wake> wakes;
  std::vector<QueueName> hungry;
  {
    auto ready = std::make_shared<Task>(std::move(task));
    ready->hold->is_remote = is_remote;
    const telemetry::MutexLock lock(mutex_);
    ready_.add(ready, clock_.steady_now());
    if (is_remote && remote_.anybody_waits()) {
      const QueueNameView queue{ready->context.namespace_name, ready->command.queue};
      if (ready_.may_begin_remote(queue, {ready->command.handler}, clock_.steady_now()))
        remote_.call_for(queue, ready->command.handler, wakes);
      hungry = ready_.take_hungry();
    }
  }
  if (is_remote) {
    call(wakes);
    tell_hunger(std::move(hungry));
  } else {
    pump();
  }
}

std::uint64_t WorkerPool::next_number() {
  const telemetry::MutexLock lock(mutex_);
  return ready_.next_number();
}

bool WorkerPool::drop(const TaskHold& hold) {
  const telemetry::MutexLock lock(mutex_);
  if (hold.ready == nullptr) return false;
  ready_.remove(*hold.ready, clock_.steady_now());
  return true;
}

// ---- remote workers ----------------------------------------------------------------------------------------------

std::vector<std::shared_ptr<Task>> WorkerPool::claim(const ClaimFilter& filter, std::size_t max,
                                                     const std::string& worker_id) {
  std::vector<std::shared_ptr<Task>> tasks;
  if (!may_start_()) return tasks;
  std::vector<QueueName> hungry;
  {
    const telemetry::MutexLock lock(mutex_);
    if (paused_) return tasks;
    const Duration now = clock_.steady_now();
    const QueueName queue{filter.namespace_name, filter.queue};
    while (tasks.size() < max) {
      auto begun = ready_.begin_remote(queue, filter.handlers, now);
      if (!begun) break;
      if (begun->task->hold->cancel_requested) {
        ready_.end(begun->ticket, now);
        continue;
      }
      begun->pickup_seconds.observe(std::chrono::duration<double>(now - begun->since).count());
      tasks.push_back(begun->task);
      const TaskHold* hold = tasks.back()->hold.get();
      remote_.add(hold, {std::move(*begun), queue, worker_id});
    }
    hungry = ready_.take_hungry();
  }
  tell_hunger(std::move(hungry));
  return tasks;
}

void WorkerPool::adopt_remote(const TaskHold& hold, QueueName queue, const KeysOf& keys, const std::string& worker_id) {
  std::vector<QueueName> hungry;
  {
    const telemetry::MutexLock lock(mutex_);
    ReadyQueues::Begun begun;
    begun.ticket = ready_.adopt(queue, keys, clock_.steady_now());
    remote_.add(&hold, {std::move(begun), std::move(queue), worker_id});
    hungry = ready_.take_hungry();
  }
  tell_hunger(std::move(hungry));
}

void WorkerPool::put_back_remote(const TaskHold& hold, bool and_tell) {
  {
    const telemetry::MutexLock lock(mutex_);
    auto claimed = remote_.take(hold);
    if (!claimed) return;
    if (claimed->begun.task == nullptr) {
      ready_.end(claimed->begun.ticket, clock_.steady_now());
    } else {
      ready_.put_back(std::move(claimed->begun), clock_.steady_now());
    }
  }
  if (and_tell) rouse_claims();
}

void WorkerPool::end_remote(const TaskHold& hold) {
  bool may_free_another = false;
  {
    const telemetry::MutexLock lock(mutex_);
    if (const auto claimed = remote_.take(hold)) {
      ready_.end(claimed->begun.ticket, clock_.steady_now());
      may_free_another = ready_.ready_count() > 0;
    } else if (hold.ready != nullptr) {
      ready_.remove(*hold.ready, clock_.steady_now());
    }
  }
  if (!may_free_another) return;
  pump();
  rouse_claims();
}

bool WorkerPool::has_ready(const ClaimFilter& filter) {
  if (!may_start_()) return false;
  bool has_ready = false;
  std::vector<QueueName> hungry;
  {
    const telemetry::MutexLock lock(mutex_);
    has_ready = !paused_ &&
                ready_.may_begin_remote({filter.namespace_name, filter.queue}, filter.handlers, clock_.steady_now());
    hungry = ready_.take_hungry();
  }
  tell_hunger(std::move(hungry));
  return has_ready;
}

std::int64_t WorkerPool::claimed_by(QueueNameView queue, const std::string& worker_id) const {
  const telemetry::MutexLock lock(mutex_);
  return remote_.count_of(queue, worker_id);
}

std::uint64_t WorkerPool::wait_for_task(ClaimFilter filter, RemoteClaims::Waits waits, RemoteClaims::Wake wake) {
  const telemetry::MutexLock lock(mutex_);
  return remote_.wait(std::move(filter), waits, std::move(wake));
}

bool WorkerPool::stop_waiting(std::uint64_t ticket) {
  const telemetry::MutexLock lock(mutex_);
  return remote_.stop_waiting(ticket);
}

void WorkerPool::rouse_claims() {
  if (!may_start_()) return;
  std::vector<RemoteClaims::Wake> wakes;
  std::vector<QueueName> hungry;
  {
    const telemetry::MutexLock lock(mutex_);
    if (paused_ || !remote_.anybody_waits() || ready_.ready_count() == 0) return;
    const Duration now = clock_.steady_now();
    // A claim for each ready task at most: the others would find nothing.
    remote_.call_whoever(
        [&](const ClaimFilter& filter) ORC_REQUIRES(mutex_) {
          return ready_.may_begin_remote({filter.namespace_name, filter.queue}, filter.handlers, now);
        },
        static_cast<std::size_t>(ready_.ready_count()), wakes);
    hungry = ready_.take_hungry();
  }
  call(wakes);
  tell_hunger(std::move(hungry));
}

std::map<std::string, std::int64_t> WorkerPool::ready_by_handler() const {
  const telemetry::MutexLock lock(mutex_);
  return ready_.ready_by_handler();
}

RemoteReading WorkerPool::remote() const {
  const telemetry::MutexLock lock(mutex_);
  return remote_.reading();
}

void WorkerPool::call(const std::vector<RemoteClaims::Wake>& wakes) {
  for (const auto& wake : wakes) wake();
}

// ---- limits ------------------------------------------------------------------------------------------------------

void WorkerPool::set_queue_limit(const std::string& queue, int limit) {
  const telemetry::MutexLock lock(mutex_);
  ready_.set_process_limit(queue, limit);
}

void WorkerPool::set_rules(const QueueName& queue, const QueueRules& rules) {
  {
    const telemetry::MutexLock lock(mutex_);
    ready_.set_rules(queue, rules, clock_.steady_now());
    has_rules_ = ready_.has_rules();
  }
  pump();
  rouse_claims();
}

void WorkerPool::set_share(const QueueName& queue, QueueShare share) {
  {
    const telemetry::MutexLock lock(mutex_);
    ready_.set_share(queue, share);
  }
  pump();
  rouse_claims();
}

std::int64_t WorkerPool::take_tokens_back(QueueNameView queue) {
  const telemetry::MutexLock lock(mutex_);
  return ready_.take_tokens_back(queue);
}

void WorkerPool::tell_hunger(std::vector<QueueName> queues) {
  if (!queues.empty() && hunger_) hunger_(std::move(queues));
}

QueueDemand WorkerPool::demand_of(QueueNameView queue) const {
  const telemetry::MutexLock lock(mutex_);
  return ready_.demand_of(queue, clock_.steady_now());
}

std::optional<ReadyQueues::Ticket> WorkerPool::begin_at_once(QueueNameView queue, const KeysOf& keys) {
  const telemetry::MutexLock lock(mutex_);
  return ready_.begin_at_once(queue, keys, clock_.steady_now());
}

void WorkerPool::end_at_once(const ReadyQueues::Ticket& ticket) {
  bool may_free_another = false;
  {
    const telemetry::MutexLock lock(mutex_);
    ready_.end(ticket, clock_.steady_now());
    may_free_another = ready_.ready_count() > 0;
  }
  if (may_free_another) pump();
}

void WorkerPool::count_at_once(QueueNameView queue, std::int64_t count) {
  const telemetry::MutexLock lock(mutex_);
  ready_.count_begun(queue, count, clock_.steady_now());
}

std::optional<Obstacle> WorkerPool::obstacle_of(QueueNameView queue, const KeysOf& keys) const {
  const telemetry::MutexLock lock(mutex_);
  return ready_.obstacle_of(queue, keys, clock_.steady_now());
}

std::optional<QueueRules> WorkerPool::rules_of(QueueNameView queue) const {
  const telemetry::MutexLock lock(mutex_);
  return ready_.rules_of(queue);
}

std::vector<std::pair<RunId, core::TaskRef>> WorkerPool::withdraw(ShardId shard) {
  const telemetry::MutexLock lock(mutex_);
  return ready_.withdraw(shard, clock_.steady_now());
}

bool WorkerPool::begin_alone() {
  const telemetry::MutexLock lock(mutex_);
  const Duration now = clock_.steady_now();
  if (now < alone_until_) return false;
  alone_until_ = now + kMaxAlone;
  return true;
}

void WorkerPool::end_alone() {
  const telemetry::MutexLock lock(mutex_);
  alone_until_ = {};
}

void WorkerPool::pause() {
  const telemetry::MutexLock lock(mutex_);
  paused_ = true;
}

void WorkerPool::cancel_all() {
  const telemetry::MutexLock lock(mutex_);
  for (const auto& hold : in_hand_) hold->cancel_requested = true;
}

int WorkerPool::in_flight() const {
  const telemetry::MutexLock lock(mutex_);
  return in_flight_;
}

std::int64_t WorkerPool::ready_count() const {
  const telemetry::MutexLock lock(mutex_);
  return ready_.ready_count();
}

void WorkerPool::set_aside(const void* group, std::map<QueueName, std::int64_t> tasks) {
  const telemetry::MutexLock lock(mutex_);
  const auto known = aside_.find(group);
  if (tasks.empty() && known == aside_.end()) return;
  std::map<QueueName, Aside> aside;
  for (const auto& [queue, count] : tasks) {
    Duration since = clock_.steady_now();
    if (known != aside_.end()) {
      if (const auto before = known->second.find(queue); before != known->second.end()) since = before->second.since;
    }
    aside.emplace(queue, Aside{count, since});
  }
  aside_[group] = std::move(aside);
}

std::vector<QueueReading> WorkerPool::queues() const {
  const telemetry::MutexLock lock(mutex_);
  const Duration now = clock_.steady_now();
  auto readings = ready_.readings(now);
  for (const auto& [group, queues] : aside_) {
    for (const auto& [queue, aside] : queues) {
      auto reading = std::ranges::find(readings, queue, &QueueReading::queue);
      if (reading == readings.end()) {
        readings.push_back({.queue = queue});
        reading = std::prev(readings.end());
      }
      reading->depth += aside.count;
      reading->oldest_ready_age = std::max(reading->oldest_ready_age, now - aside.since);
      if (reading->rules.paused) reading->waiting[static_cast<std::size_t>(Obstacle::queue_paused)] += aside.count;
    }
  }
  return readings;
}

void WorkerPool::forget_idle() {
  const telemetry::MutexLock lock(mutex_);
  ready_.forget_idle(clock_.steady_now());
}

void WorkerPool::record(const std::string& handler, const Outcome& outcome, Duration since) {
  const double seconds = std::chrono::duration<double>(clock_.steady_now() - since).count();
  telemetry::Histogram histogram;
  {
    const telemetry::MutexLock lock(mutex_);
    const auto [known, is_new] = handler_seconds_.try_emplace({handler, outcome.kind});
    if (is_new) known->second = metrics_.histogram(telemetry::kHandlerSeconds, {handler, word_of(outcome.kind)});
    histogram = known->second;
  }
  histogram.observe(seconds);
}

void WorkerPool::pump() {
  while (true) {
    const std::uint64_t lapses = lapses_;
    if (!may_start_()) return;
    std::optional<Begun> begun;
    std::optional<Duration> alarm;
    std::vector<QueueName> hungry;
    {
      const telemetry::MutexLock lock(mutex_);
      if (paused_) return;
      if (in_flight_ < slots_) begun = ready_.begin(clock_.steady_now());
      if (begun) {
        ++in_flight_;
        in_hand_.insert(begun->task->hold);
      } else {
        alarm = delay_to_next_opening();
        hungry = ready_.take_hungry();
      }
    }
    if (alarm && alarm_) alarm_(*alarm);
    if (!begun) return tell_hunger(std::move(hungry));
    begun->pickup_seconds.observe(std::chrono::duration<double>(clock_.steady_now() - begun->since).count());
    dispatch(*std::move(begun), lapses);
  }
}

/// Nothing when an alarm is set that is early enough.
std::optional<Duration> WorkerPool::delay_to_next_opening() {
  const Duration now = clock_.steady_now();
  if (alarm_at_ && *alarm_at_ <= now) alarm_at_.reset();
  const auto opens_at = ready_.next_opening();
  if (!opens_at || (alarm_at_ && *alarm_at_ <= *opens_at)) return std::nullopt;
  const Duration delay = std::max(*opens_at - now, kLeastAlarm);
  alarm_at_ = now + delay;
  return delay;
}

void WorkerPool::dispatch(Begun begun, std::uint64_t lapses) {
  const auto post = begun.task->post;
  auto work = [this, begun = std::move(begun), lapses] { perform(begun, lapses); };
  if (post) {
    post(std::move(work));
  } else {
    threads_.run(std::move(work));
  }
}

void WorkerPool::release(const ReadyQueues::Ticket& ticket) {
  {
    const telemetry::MutexLock lock(mutex_);
    ready_.end(ticket, clock_.steady_now());
    --in_flight_;
  }
  pump();
}

/// Stopped for longer than the lease between its hand-out and here: somebody else may have it by now. It waits until
/// the lease is confirmed, at its old place, or the owner that lost its shard drops it.
bool WorkerPool::put_back(const Begun& begun, std::uint64_t lapses) {
  if (may_start_() && lapses == lapses_) return false;
  {
    const telemetry::MutexLock lock(mutex_);
    in_hand_.erase(begun.task->hold);
    ready_.put_back(begun, clock_.steady_now());
    --in_flight_;
  }
  pump();
  return true;
}

void WorkerPool::perform(const Begun& begun, std::uint64_t lapses) {
  const std::shared_ptr<Task>& task = begun.task;
  const ReadyQueues::Ticket ticket = begun.ticket;
  const auto drop_hold = [this, hold = task->hold] {
    const telemetry::MutexLock lock(mutex_);
    in_hand_.erase(hold);
  };
  // A node that was stopped may have lost the shard meanwhile, and the owner's strand may not know yet.
  if (task->hold->cancel_requested || (task->is_still_ours && !task->is_still_ours())) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::cancelled;
    drop_hold();
    task->finish(std::move(outcome));
    release(ticket);
    return;
  }
  if (put_back(begun, lapses)) return;
  const auto steady = clock_.steady_now();
  task->hold->heartbeat_us = steady.count();
  task->hold->started_us = steady.count();
  auto& context = task->context;
  context.cancel_requested = &task->hold->cancel_requested;
  if (task->command.timeout_seconds) {
    context.deadline =
        std::chrono::steady_clock::time_point{steady} + std::chrono::seconds{*task->command.timeout_seconds};
  }
  context.heartbeat = [hold = task->hold, this](const Json&) { hold->heartbeat_us = clock_.steady_now().count(); };

  if (task->handler->plain) {
    Outcome outcome = call_plain(*task, context);
    record(task->command.handler, outcome, steady);
    drop_hold();
    task->finish(std::move(outcome));
    release(ticket);
    return;
  }

  auto transaction = store_.begin_step();
  if (!transaction) {
    drop_hold();
    Outcome outcome = Outcome::snoozed(std::chrono::seconds{1});
    outcome.error = "Orchestrator.DatabaseUnavailable";
    outcome.cause = transaction.error().message;
    task->finish(std::move(outcome));
    release(ticket);
    return;
  }
  // Shared: the transaction travels through std::function to the owner's strand and back to a handler thread.
  std::shared_ptr<StepTransaction> open = std::move(*transaction);
  Outcome outcome = call_transactional(*task, context, *open);
  record(task->command.handler, outcome, steady);
  drop_hold();
  if (outcome.kind != Outcome::Kind::completed) {
    open->roll_back();
    open.reset();
    task->finish(std::move(outcome));
    release(ticket);
    return;
  }
  // The slot stays taken until the commit returned, so that a handler thread is free for the commit.
  task->finish_in_transaction(std::move(outcome), std::move(open), [this, ticket] { release(ticket); });
}

}  // namespace orchestrator::runtime
