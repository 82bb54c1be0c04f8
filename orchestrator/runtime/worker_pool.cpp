#include "orchestrator/runtime/worker_pool.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::runtime {
namespace {

constexpr const char* kDefaultQueue = "default";
constexpr Duration kMaxAlone = std::chrono::minutes{1};

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
      may_start_(std::move(may_start)) {
  queue_named(kDefaultQueue);
}

void WorkerPool::submit(Task task) {
  {
    const telemetry::MutexLock lock(mutex_);
    const Order order{task.command.priority, next_number_++};
    auto& queue = queue_named(task.command.queue);
    queue.ready.emplace(order, Ready{std::make_shared<Task>(std::move(task)), clock_.steady_now()});
  }
  pump();
}

void WorkerPool::set_queue_limit(const std::string& queue, int limit) {
  const telemetry::MutexLock lock(mutex_);
  queue_named(queue).limit = limit;
}

std::vector<std::pair<RunId, core::TaskRef>> WorkerPool::withdraw(ShardId shard) {
  std::vector<std::pair<RunId, core::TaskRef>> withdrawn;
  const telemetry::MutexLock lock(mutex_);
  for (auto& [name, queue] : queues_) {
    std::erase_if(queue.ready, [&](const auto& ready) {
      const Task& task = *ready.second.task;
      if (shard_of(task.context.run_id) != shard) return false;
      withdrawn.emplace_back(task.context.run_id, task.command.task);
      return true;
    });
  }
  return withdrawn;
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
  std::int64_t count = 0;
  for (const auto& [name, queue] : queues_) count += static_cast<std::int64_t>(queue.ready.size());
  return count;
}

std::vector<QueueReading> WorkerPool::queues() const {
  const Duration now = clock_.steady_now();
  const telemetry::MutexLock lock(mutex_);
  std::vector<QueueReading> readings;
  for (const auto& [name, queue] : queues_) {
    QueueReading reading{
        .name = name, .depth = static_cast<std::int64_t>(queue.ready.size()), .in_flight = queue.in_flight};
    // In order of priority, so the oldest may be anywhere.
    for (const auto& [order, ready] : queue.ready)
      reading.oldest_ready_age = std::max(reading.oldest_ready_age, now - ready.since);
    readings.push_back(std::move(reading));
  }
  return readings;
}

WorkerPool::Queue& WorkerPool::queue_named(const std::string& name) {
  const auto [queue, is_new] = queues_.try_emplace(name);
  if (is_new) queue->second.pickup_seconds = metrics_.histogram(telemetry::kStepPickupSeconds, {name});
  return queue->second;
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
  while (may_start_()) {
    std::shared_ptr<Task> task;
    std::string queue_name;
    {
      const telemetry::MutexLock lock(mutex_);
      if (paused_ || in_flight_ >= slots_) return;
      // Among queues below their limit, the one whose head comes first; queues are few.
      Queue* best = nullptr;
      for (auto& [name, queue] : queues_) {
        if (queue.ready.empty() || (queue.limit > 0 && queue.in_flight >= queue.limit)) continue;
        if (best == nullptr || queue.ready.begin()->first < best->ready.begin()->first) {
          best = &queue;
          queue_name = name;
        }
      }
      if (best == nullptr) return;
      Ready& first = best->ready.begin()->second;
      best->pickup_seconds.observe(std::chrono::duration<double>(clock_.steady_now() - first.since).count());
      task = std::move(first.task);
      best->ready.erase(best->ready.begin());
      ++best->in_flight;
      ++in_flight_;
      in_hand_.insert(task->hold);
    }
    threads_.run([this, task, queue_name] { perform(task, queue_name); });
  }
}

void WorkerPool::release(const std::string& queue) {
  {
    const telemetry::MutexLock lock(mutex_);
    --queues_[queue].in_flight;
    --in_flight_;
  }
  pump();
}

/// Stopped for longer than the lease between its hand-out and here: somebody else may have it by now. It waits until
/// the lease is confirmed, at its old place, or the owner that lost its shard drops it.
bool WorkerPool::put_back(const std::shared_ptr<Task>& task, const std::string& queue) {
  if (may_start_()) return false;
  {
    const telemetry::MutexLock lock(mutex_);
    in_hand_.erase(task->hold);
    const Order order{task->command.priority, next_number_++};
    queues_[queue].ready.emplace(order, Ready{task, clock_.steady_now()});
  }
  release(queue);
  return true;
}

void WorkerPool::perform(std::shared_ptr<Task> task, const std::string& queue) {
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
    release(queue);
    return;
  }
  if (put_back(task, queue)) return;
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
    release(queue);
    return;
  }

  auto transaction = store_.begin_step();
  if (!transaction) {
    drop_hold();
    Outcome outcome = Outcome::snoozed(std::chrono::seconds{1});
    outcome.error = "Orchestrator.DatabaseUnavailable";
    outcome.cause = transaction.error().message;
    task->finish(std::move(outcome));
    release(queue);
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
    release(queue);
    return;
  }
  // The slot stays taken until the commit returned, so that a handler thread is free for the commit.
  task->finish_in_transaction(std::move(outcome), std::move(open), [this, queue] { release(queue); });
}

}  // namespace orchestrator::runtime
