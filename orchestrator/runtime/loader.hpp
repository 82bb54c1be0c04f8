#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::runtime {

/// Gathers an owner's look-ups while one load is in flight and sends them as the next one: the same idea as group
/// commit, for reads. Lives on one strand.
class Loader {
 public:
  /// Look-ups of one load; more make another one. A hundred thousand jobs may fall due in one moment, and nobody else's
  /// question shall wait until all of them are read.
  static constexpr std::size_t kMaxAsked = 2'000;

  Loader(store::Store& store, Executor& executor) : store_(store), executor_(executor) {}

  void run(RunId id, std::function<void(Result<std::optional<store::LoadedRun>>, std::vector<store::SignalRow>)> done);
  void addressed(RunId id, std::function<void(Result<std::vector<store::SignalRow>>)> done);
  void closed_run(RunId id, std::function<void(Result<std::optional<store::LoadedClosedRun>>)> done);
  void run_key(store::RunKeyQuery query, std::function<void(Result<store::RunKeyAnswer>)> done);
  void mailbox(store::MailboxQuery query, std::function<void(Result<store::MailboxAnswer>)> done);
  void signal_id(store::SignalIdQuery query, std::function<void(Result<std::optional<store::SignalRow>>)> done);
  void idempotency(store::IdempotencyQuery query,
                   std::function<void(Result<std::optional<store::IdempotencyRow>>)> done);

  /// Whether something was asked whose answer may be older than what is committed by now.
  [[nodiscard]] bool is_busy() const { return busy_; }
  /// Calls back when all that was asked before the present load was sent has been answered. Only while busy.
  void after_this_load(std::function<void()> done) { afterwards_.push_back(std::move(done)); }

 private:
  using Take = std::function<void(Result<store::LoadAnswer>&)>;

  struct Page {
    store::LoadRequest request;
    std::vector<Take> takers;
  };

  /// The page that the next question joins.
  Page& page();
  void send_soon();
  void send();

  store::Store& store_;                            // Fixed after construction.
  Executor& executor_;                             // Fixed after construction.
  std::deque<Page> pages_;                         // Only on executor_: the first one is sent next.
  bool busy_ = false;                              // Only on executor_: a load is in flight, or its sending is posted.
  std::vector<std::function<void()>> afterwards_;  // Only on executor_.
};

}  // namespace orchestrator::runtime
