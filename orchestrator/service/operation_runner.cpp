#include "orchestrator/service/operation_runner.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "orchestrator/base/error.hpp"

namespace orchestrator::service {
namespace {

using std::chrono::milliseconds;

/// How long an operation stays with a holder that says nothing: after a crash it goes on elsewhere within this.
constexpr milliseconds kLease{15'000};
constexpr milliseconds kLookEvery{2'000};
/// Operations that one node works on at once.
constexpr std::size_t kMaxAtOnce = 8;
/// A chunk is a quarter of a second's work: its progress is one small write.
constexpr std::int32_t kChunksPerSecond = 4;
constexpr std::int32_t kMaxChunk = 500;
/// An item that met a passing error is tried so often, so far apart.
constexpr int kMaxAttempts = 5;
constexpr milliseconds kTryAgainAfter{1'000};
constexpr milliseconds kSaveAgainAfter{500};

std::string code_of(const Error& error) {
  return error.slug.empty() ? std::string(error_traits(error.code).name) : error.slug;
}

}  // namespace

/// One operation in our hands.
struct OperationRunner::Work {
  store::LeasedOperation operation;
  Json failures = Json::array();
  std::size_t at = 0;           ///< items of `operation.runs` that chunks have taken
  std::size_t outstanding = 0;  ///< of the present chunk
  std::int32_t chunk = 0;
  std::int32_t told_done = 0;  ///< of `operation.view.done`
  std::int32_t told_failed = 0;
  Duration chunk_begun{};  ///< steady clock
  Duration saved_at{};     ///< steady clock; the lease counts from here
};

void OperationRunner::begin(store::OperationHolder holder) {
  parts_.executor.post([this, holder] {
    if (std::exchange(has_begun_, true)) return;
    holder_ = holder;
    tick();
  });
}

void OperationRunner::look() {
  parts_.executor.post([this] {
    if (has_begun_) look_now();
  });
}

void OperationRunner::tick() {
  look_now();
  parts_.executor.post_after(kLookEvery, [this] { tick(); });
}

void OperationRunner::look_now() {
  if (looking_ || works_.size() >= kMaxAtOnce || !parts_.may_work()) return;
  looking_ = true;
  const Duration asked_at = parts_.clock.steady_now();
  parts_.store.take(holder_, kLease, [this, asked_at](Result<std::optional<store::LeasedOperation>> taken) {
    parts_.executor.post([this, asked_at, taken = std::move(taken)]() mutable {
      looking_ = false;
      if (!taken || !*taken) return;
      auto work = std::make_shared<Work>();
      work->operation = std::move(**taken);
      work->told_done = work->operation.view.done;
      work->told_failed = work->operation.view.failed;
      work->saved_at = asked_at;
      if (auto known = parse_json(work->operation.view.failures); known && known->is_array())
        work->failures = *std::move(known);
      works_[work->operation.view.operation_id] = work;
      go_on(work);
      look_now();
    });
  });
}

void OperationRunner::go_on(const WorkPtr& work) {
  if (!parts_.may_work()) {
    parts_.store.let_go(holder_, work->operation.view.operation_id, [](const Result<void>&) {});
    drop(work);
    return;
  }
  const auto& runs = work->operation.runs;
  const std::int32_t rate = work->operation.view.rate_per_second;
  const std::int32_t most = std::clamp(rate / kChunksPerSecond, 1, kMaxChunk);
  const std::size_t size = std::min(static_cast<std::size_t>(most), runs.size() - work->at);
  work->chunk = static_cast<std::int32_t>(size);
  work->chunk_begun = parts_.clock.steady_now();
  work->outstanding = size;
  const std::size_t first = std::exchange(work->at, work->at + size);
  if (size == 0) return save(work);
  for (std::size_t i = first; i < first + size; ++i) try_item(work, runs[i], 1);
}

void OperationRunner::try_item(const WorkPtr& work, RunId run_id, int attempt) {
  parts_.perform(work->operation.view, run_id, [this, work, run_id, attempt](const Status& status) {
    parts_.executor.post([this, work, run_id, attempt, status] { item_ended(work, run_id, attempt, status); });
  });
}

void OperationRunner::item_ended(const WorkPtr& work, RunId run_id, int attempt, const Status& status) {
  if (!status && error_traits(status.error().code).retryable && attempt < kMaxAttempts) {
    parts_.executor.post_after(kTryAgainAfter, [this, work, run_id, attempt] { try_item(work, run_id, attempt + 1); });
    return;
  }
  store::OperationView& view = work->operation.view;
  if (status) {
    ++view.done;
  } else {
    ++view.failed;
    if (work->failures.size() < store::kMaxOperationFailures) {
      work->failures.push_back(
          {{"run_id", run_id.str()}, {"code", code_of(status.error())}, {"message", status.error().message}});
    }
  }
  if (--work->outstanding == 0) save(work);
}

void OperationRunner::save(const WorkPtr& work) {
  store::OperationProgress progress;
  progress.operation_id = work->operation.view.operation_id;
  progress.holder = holder_;
  progress.next_item = work->operation.next_item + static_cast<std::int32_t>(work->at);
  progress.done = work->operation.view.done;
  progress.failed = work->operation.view.failed;
  progress.failures = dump_json(work->failures);
  const Duration asked_at = parts_.clock.steady_now();
  parts_.store.advance(std::move(progress), kLease, [this, work, asked_at](const Result<bool>& kept) {
    parts_.executor.post([this, work, asked_at, kept] {
      if (kept && *kept) work->saved_at = asked_at;
      saved(work, kept);
    });
  });
}

void OperationRunner::saved(const WorkPtr& work, const Result<bool>& kept) {
  if (!kept) {
    // Past the lease somebody else goes on from the progress before.
    if (parts_.clock.steady_now() - work->saved_at >= kLease) return drop(work);
    parts_.executor.post_after(kSaveAgainAfter, [this, work] { save(work); });
    return;
  }
  const store::OperationView& view = work->operation.view;
  if (*kept && parts_.on_items) {
    const std::int32_t done = view.done - std::exchange(work->told_done, view.done);
    const std::int32_t failed = view.failed - std::exchange(work->told_failed, view.failed);
    parts_.on_items(view.action, done, failed);
  }
  const bool is_over = work->at == work->operation.runs.size();
  if (!*kept || is_over) {
    drop(work);
    look_now();
    return;
  }
  const Duration length = std::chrono::microseconds{1'000'000LL * work->chunk / view.rate_per_second};
  const Duration pause = work->chunk_begun + length - parts_.clock.steady_now();
  parts_.executor.post_after(std::max(pause, Duration{0}), [this, work] { go_on(work); });
}

void OperationRunner::drop(const WorkPtr& work) { works_.erase(work->operation.view.operation_id); }

}  // namespace orchestrator::service
