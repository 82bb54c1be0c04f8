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
  auto& [request, takers] = page();
  const std::size_t index = request.runs.size();
  const std::size_t signals = request.addressed_signals.size();
  request.runs.push_back(id);
  request.addressed_signals.push_back(id);
  takers.push_back([index, signals, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    std::vector<store::SignalRow> addressed;
    if (answer) addressed = std::move(answer->addressed_signals[signals]);
    done(pick(answer, &store::LoadAnswer::runs, index), std::move(addressed));
  });
  send_soon();
}

void Loader::addressed(RunId id, std::function<void(Result<std::vector<store::SignalRow>>)> done) {
  auto& [request, takers] = page();
  const std::size_t index = request.addressed_signals.size();
  request.addressed_signals.push_back(id);
  takers.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::addressed_signals, index));
  });
  send_soon();
}

void Loader::closed_run(RunId id, std::function<void(Result<std::optional<store::LoadedClosedRun>>)> done) {
  auto& [request, takers] = page();
  const std::size_t index = request.closed_runs.size();
  request.closed_runs.push_back(id);
  takers.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::closed_runs, index));
  });
  send_soon();
}

void Loader::run_key(store::RunKeyQuery query, std::function<void(Result<store::RunKeyAnswer>)> done) {
  auto& [request, takers] = page();
  const std::size_t index = request.run_keys.size();
  request.run_keys.push_back(std::move(query));
  takers.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::run_keys, index));
  });
  send_soon();
}

void Loader::mailbox(store::MailboxQuery query, std::function<void(Result<store::MailboxAnswer>)> done) {
  auto& [request, takers] = page();
  const std::size_t index = request.mailboxes.size();
  request.mailboxes.push_back(std::move(query));
  takers.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::mailboxes, index));
  });
  send_soon();
}

void Loader::signal_id(store::SignalIdQuery query, std::function<void(Result<std::optional<store::SignalRow>>)> done) {
  auto& [request, takers] = page();
  const std::size_t index = request.signal_ids.size();
  request.signal_ids.push_back(std::move(query));
  takers.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::signal_ids, index));
  });
  send_soon();
}

void Loader::idempotency(store::IdempotencyQuery query,
                         std::function<void(Result<std::optional<store::IdempotencyRow>>)> done) {
  auto& [request, takers] = page();
  const std::size_t index = request.idempotency.size();
  request.idempotency.push_back(std::move(query));
  takers.push_back([index, done = std::move(done)](Result<store::LoadAnswer>& answer) {
    done(pick(answer, &store::LoadAnswer::idempotency, index));
  });
  send_soon();
}

Loader::Page& Loader::page() {
  if (pages_.empty() || pages_.back().takers.size() >= kMaxAsked) pages_.emplace_back();
  return pages_.back();
}

void Loader::send_soon() {
  if (busy_) return;
  busy_ = true;
  // Posted, not called: what is already queued on the strand joins this load.
  executor_.post([this] { send(); });
}

void Loader::send() {
  Page next = std::move(pages_.front());
  pages_.pop_front();
  // Shared: std::function wants copyable captures, and the callback crosses threads.
  auto takers = std::make_shared<std::vector<Take>>(std::move(next.takers));
  store_.load(std::move(next.request), [this, takers](Result<store::LoadAnswer> answer) {
    auto shared = std::make_shared<Result<store::LoadAnswer>>(std::move(answer));
    executor_.post([this, takers, shared] {
      for (auto& take : *takers) take(*shared);
      for (auto& done : std::exchange(afterwards_, {})) done();
      busy_ = false;
      if (!pages_.empty()) send_soon();
    });
  });
}

}  // namespace orchestrator::runtime
