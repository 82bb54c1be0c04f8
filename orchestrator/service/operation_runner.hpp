#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/store/operations.hpp"

namespace orchestrator::service {

/// Works on bulk operations whose lease it gets, some runs at a time and no faster than each was asked to go. Progress
/// is written after each chunk: what a crash leaves half done is done again by the next holder, so each item must bear
/// a repeat.
class OperationRunner {
 public:
  /// Calls back exactly once, on any thread; success also when the run already is as it was to become.
  using Perform =
      std::function<void(const store::OperationView& operation, RunId run_id, std::function<void(const Status&)> done)>;
  struct Parts {
    store::OperationStore& store;
    runtime::Executor& executor;
    const runtime::Clock& clock;
    std::function<bool()> may_work;  ///< false: what is held is let go, for other nodes
    Perform perform;
    /// Told of runs that are dealt with, once that is written down.
    std::function<void(store::OperationAction action, std::int32_t done, std::int32_t failed)> on_items;
  };

  explicit OperationRunner(Parts parts) : parts_(std::move(parts)) {}

  /// Looks for work now and every two seconds from now on, as long as the executor lives. Once. Thread-safe.
  /// @param holder of this process and no other
  void begin(store::OperationHolder holder);
  /// Looks at once: one was started here. Thread-safe.
  void look();

 private:
  struct Work;
  using WorkPtr = std::shared_ptr<Work>;

  void tick();
  void look_now();
  void go_on(const WorkPtr& work);
  void try_item(const WorkPtr& work, RunId run_id, int attempt);
  void item_ended(const WorkPtr& work, RunId run_id, int attempt, const Status& status);
  void save(const WorkPtr& work);
  void saved(const WorkPtr& work, const Result<bool>& kept);
  void drop(const WorkPtr& work);

  const Parts parts_;
  // Everything below: only on parts_.executor.
  bool looking_ = false;
  bool has_begun_ = false;
  store::OperationHolder holder_;
  std::map<store::OperationId, WorkPtr> works_;
};

}  // namespace orchestrator::service
