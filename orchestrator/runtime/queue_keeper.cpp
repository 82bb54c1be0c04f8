#include "orchestrator/runtime/queue_keeper.hpp"

#include <algorithm>
#include <utility>

namespace orchestrator::runtime {
namespace {

constexpr Duration kReadAgainAfter = std::chrono::milliseconds{200};

}  // namespace

void QueueKeeper::start(std::function<void()> ready) {
  ready_ = std::move(ready);
  read();
}

void QueueKeeper::refresh() {
  executor_.post([this] { read(); });
}

void QueueKeeper::learn(store::QueueSettingsRow row) {
  executor_.post([this, row = std::move(row)] { apply(row); });
}

void QueueKeeper::read() {
  if (stopped_) return;
  if (reading_) {
    // What was asked may have been answered before the change that somebody told us of.
    read_again_ = true;
    return;
  }
  reading_ = true;
  read_again_ = false;
  store_.list_queue_settings(revision_, [this](Result<std::vector<store::QueueSettingsRow>> changed) {
    executor_.post([this, changed = std::move(changed)] {
      reading_ = false;
      if (stopped_) return;
      if (changed) {
        for (const auto& row : *changed) {
          apply(row);
          revision_ = std::max(revision_, row.revision);
        }
        if (ready_) std::exchange(ready_, nullptr)();
        if (read_again_) read();
      } else if (ready_) {
        executor_.post_after(kReadAgainAfter, [this] { read(); });
      }
    });
  });
}

/// A row that was written here may come before or after the one that was read.
void QueueKeeper::apply(const store::QueueSettingsRow& row) {
  const QueueName queue{row.namespace_name, row.name};
  std::int64_t& known = revisions_[queue];
  if (row.revision <= known) return;
  known = row.revision;
  // The share first: for a moment nothing is granted rather than everything.
  shares_.set_limits(queue, row.limits);
  workers_.set_rules(queue, {row.limits, row.paused, row.paused_at.value_or(Timestamp{})});
}

}  // namespace orchestrator::runtime
