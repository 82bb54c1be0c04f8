#include "orchestrator/tools/bench_batches.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <string_view>

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// How often the server is asked what has closed; in between, batches fill up what was open.
constexpr std::chrono::milliseconds kPollInterval{100};
/// How long after the last batch the runs may take to finish before the rest counts as errors.
constexpr std::chrono::seconds kDrainTime{60};
/// The end of the load, over which its last rate is told.
constexpr std::chrono::seconds kLastStretch{10};

/// Errors inside a 201 answer: each failed item carries an `error` where the others have a `run_id`.
std::int64_t failed_items(std::string_view body) {
  std::int64_t count = 0;
  constexpr std::string_view kMember = "\"error\":";
  for (auto at = body.find(kMember); at != std::string_view::npos; at = body.find(kMember, at + kMember.size()))
    ++count;
  return count;
}

}  // namespace

BatchLoad::BatchLoad(const BenchOptions& options, const ServerReading& before, std::string target, std::string body,
                     int in_flight)
    : options_(options),
      before_(before),
      target_(std::move(target)),
      body_(std::move(body)),
      in_flight_(options.runs_in_flight.value_or(in_flight)),
      now_(before),
      watcher_(io_, options.server) {
  for (int index = 0; index < options.concurrency; ++index) connections_.emplace_back(io_, options.server);
}

void BatchLoad::run() {
  const auto start = Clock::now();
  stop_posting_at_ = start + options_.duration;
  give_up_at_ = stop_posting_at_ + kDrainTime;
  last_close_ = start;
  // What escapes a coroutine here is a defect of this tool: it ends the process through io_.run().
  const auto rethrow = [](const std::exception_ptr& escaped) {
    if (escaped) std::rethrow_exception(escaped);
  };
  for (HttpConnection& connection : connections_) asio::co_spawn(io_, post_batches(&connection), rethrow);
  asio::co_spawn(io_, watch(), rethrow);
  io_.run();
  seconds_ = std::chrono::duration<double>(last_close_ - start).count();
}

void BatchLoad::write_to(BenchFigures& figures) {
  const double closed = now_.runs_closed - before_.runs_closed;
  const double succeeded = now_.runs_succeeded - before_.runs_succeeded;
  figures.seconds = seconds_;
  figures.operations = static_cast<std::int64_t>(now_.steps - before_.steps);
  const auto unfinished = static_cast<std::int64_t>(static_cast<double>(started_) - succeeded);
  figures.errors = errors_ + std::max<std::int64_t>(0, unfinished);
  if (seconds_ > 0) {
    figures.runs_per_second = closed / seconds_;
    figures.steps_per_second = static_cast<double>(figures.operations) / seconds_;
  }
  latencies_.write_to(figures);
  if (closed_by_.empty()) return;
  const auto& [end, closed_at_end] = closed_by_.back();
  const auto from = std::ranges::find_if(closed_by_, [&](const auto& by) { return end - by.first <= kLastStretch; });
  const double stretch = std::chrono::duration<double>(end - from->first).count();
  if (stretch > 0) last_per_second_ = (closed_at_end - from->second) / stretch;
}

asio::awaitable<void> BatchLoad::post_batches(HttpConnection* connection) {
  ++posters_;
  asio::steady_timer pause(io_);
  while (Clock::now() < stop_posting_at_) {
    if (!has_room()) {
      pause.expires_after(std::chrono::milliseconds(1));
      co_await pause.async_wait(kAwait);
      continue;
    }
    posting_ += options_.batch_size;
    ClientRequest request;
    request.method = "POST";
    request.target = target_;
    request.body = body_;
    const auto begun = Clock::now();
    const auto response = co_await connection->send(std::move(request));
    posting_ -= options_.batch_size;
    if (!response || response->status != 201) {
      ++errors_;
      // A server that refuses everything is not asked in a tight loop.
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    latencies_.add(Clock::now() - begun);
    const std::int64_t failed = failed_items(response->body);
    errors_ += failed;
    started_ += options_.batch_size - failed;
  }
  --posters_;
}

asio::awaitable<void> BatchLoad::watch() {
  asio::steady_timer pause(io_);
  for (;;) {
    pause.expires_after(kPollInterval);
    co_await pause.async_wait(kAwait);
    ClientRequest request;
    request.target = "/metrics";
    const auto asked = Clock::now();
    const auto response = co_await watcher_.send(std::move(request));
    if (response && response->status == 200) {
      const double closed_before = now_.runs_closed;
      now_ = read_server_metrics(response->body);
      if (now_.runs_closed != closed_before) last_close_ = asked;
      if (posters_ > 0) closed_by_.emplace_back(asked, now_.runs_closed);
    }
    const bool all_closed = now_.runs_closed - before_.runs_closed >= static_cast<double>(started_);
    if (posters_ == 0 && (all_closed || Clock::now() > give_up_at_)) co_return;
  }
}

}  // namespace orchestrator::tools
