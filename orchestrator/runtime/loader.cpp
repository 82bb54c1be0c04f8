#include "orchestrator/runtime/loader.hpp"

#include <memory>
#include <utility>

namespace orchestrator::runtime {
namespace {

/// Picks one element of a parallel answer vector, or the load's error.
template <typename T>
Result<T> pick(Result<store::LoadAnswer>& answer, std::vector<T> store::LoadAnswer::* member, std::size_t index) {
  if (!answer) return answer.error();
  return std::move(((*answer).*member)[index]);
}

}  // namespace

void Loader::run(RunId id,
                 std::function<void(Result<std::optional<store::LoadedRun>>, std::vector<store::SignalRow>)> done) {
  const std::size_t index = request_.runs.size();
  const std::size_t signals = request_.addressed_signals.size();
  request_.runs.push_back(id);
  request_.addressed_signals.push_back(id);
  takers_.push_back([index, signals, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    std::vector<store::SignalRow> addressed;
    if (answer) addressed = std::move(answer->addressed_signals[signals]);
    done(pick(answer, &store::LoadAnswer::runs, index), std::move(addressed));
  });
  send_soon();
}

void Loader::addressed(RunId id, std::function<void(Result<std::vector<store::SignalRow>>)> done) {
  const std::size_t index = request_.addressed_signals.size();
  request_.addressed_signals.push_back(id);
  takers_.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::addressed_signals, index));
  });
  send_soon();
}

void Loader::closed_run(RunId id, std::function<void(Result<std::optional<store::LoadedClosedRun>>)> done) {
  const std::size_t index = request_.closed_runs.size();
  request_.closed_runs.push_back(id);
  takers_.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::closed_runs, index));
  });
  send_soon();
}

void Loader::run_key(store::RunKeyQuery query, std::function<void(Result<store::RunKeyAnswer>)> done) {
  const std::size_t index = request_.run_keys.size();
  request_.run_keys.push_back(std::move(query));
  takers_.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::run_keys, index));
  });
  send_soon();
}

void Loader::mailbox(store::MailboxQuery query, std::function<void(Result<store::MailboxAnswer>)> done) {
  const std::size_t index = request_.mailboxes.size();
  request_.mailboxes.push_back(std::move(query));
  takers_.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::mailboxes, index));
  });
  send_soon();
}

void Loader::signal_id(store::SignalIdQuery query, std::function<void(Result<std::optional<store::SignalRow>>)> done) {
  const std::size_t index = request_.signal_ids.size();
  request_.signal_ids.push_back(std::move(query));
  takers_.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::signal_ids, index));
  });
  send_soon();
}

void Loader::idempotency(store::IdempotencyQuery query,
                         std::function<void(Result<std::optional<store::IdempotencyRow>>)> done) {
  const std::size_t index = request_.idempotency.size();
  request_.idempotency.push_back(std::move(query));
  takers_.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::idempotency, index));
  });
  send_soon();
}

void Loader::send_soon() {
  if (busy_) return;
  busy_ = true;
  // Posted, not called: what is already queued on the strand joins this load.
  executor_.post([this] { send(); });
}

void Loader::send() {
  // Shared: std::function wants copyable captures, and the callback crosses threads.
  auto takers = std::make_shared<std::vector<Take>>(std::exchange(takers_, {}));
  store_.load(std::exchange(request_, {}), [this, takers](Result<store::LoadAnswer> answer) {
    auto shared = std::make_shared<Result<store::LoadAnswer>>(std::move(answer));
    executor_.post([this, takers, shared] {
      for (auto& take : *takers) take(*shared);
      for (auto& done : std::exchange(afterwards_, {})) done();
      busy_ = false;
      if (!takers_.empty()) send_soon();
    });
  });
}

}  // namespace orchestrator::runtime
