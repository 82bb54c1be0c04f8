#include "orchestrator_client/held_task.hpp"

#include <algorithm>
#include <random>

namespace orchestrator_client {
namespace {

using std::chrono::milliseconds;

/// An outcome that could not be delivered is kept trying this long after the lease ended: the server decides, not our
/// clock, and it may have been away itself.
constexpr std::chrono::seconds kOutcomeGrace{30};
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{2'000};

}  // namespace

milliseconds pause_after(int failures, milliseconds first, milliseconds longest, const std::optional<Answer>& answer) {
  thread_local std::mt19937 random{std::random_device{}()};
  constexpr int kDoublings = 16;
  const milliseconds full = std::min(longest, first * (1 << std::min(std::max(failures - 1, 0), kDoublings)));
  const auto half = full.count() / 2;
  milliseconds pause{half + std::uniform_int_distribution<milliseconds::rep>(0, half)(random)};
  if (answer && answer->retry_after) pause = std::max(pause, milliseconds{*answer->retry_after});
  return pause;
}

bool is_passing(const std::optional<Answer>& answer) {
  if (!answer) return true;
  return answer->status == 408 || answer->status == 429 || answer->status == 500 || answer->status == 502 ||
         answer->status == 503 || answer->status == 504;
}

bool HeldTask::is_unwanted() const {
  const std::lock_guard lock(mutex_);
  return !why_unwanted_.empty();
}

std::string HeldTask::why_unwanted() const {
  const std::lock_guard lock(mutex_);
  return why_unwanted_;
}

bool HeldTask::wait_until_unwanted(Seconds longest) const {
  std::unique_lock lock(mutex_);
  return unwanted_.wait_for(lock, longest, [this] { return !why_unwanted_.empty(); });
}

void HeldTask::give_up(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (why_unwanted_.empty()) why_unwanted_ = why;
  unwanted_.notify_all();
}

bool HeldTask::is_stale() const {
  const std::lock_guard lock(mutex_);
  return is_stale_;
}

void HeldTask::set_details(Json details) {
  const std::lock_guard lock(mutex_);
  details_ = std::move(details);
}

Json HeldTask::heartbeat_body() const {
  const std::lock_guard lock(mutex_);
  Json body = Json::object();
  if (details_) body["details"] = *details_;
  return body;
}

std::optional<milliseconds> HeldTask::heartbeat_answered(const std::optional<Answer>& answer,
                                                         Clock::time_point sent_at) {
  if (answer && answer->status == 200) {
    const Json said = Json::parse(answer->body, nullptr, false);
    {
      const std::lock_guard lock(mutex_);
      // Counted from the sending: the server's count began later.
      lease_until_ = std::max(lease_until_, sent_at + lease_);
    }
    if (said.is_object() && said.value("cancel_requested", false)) give_up("the run is being cancelled");
    const auto next = std::chrono::duration_cast<milliseconds>(sent_at + heartbeat_interval() - Clock::now());
    return std::max(milliseconds{0}, next);
  }
  if (answer && (answer->status == 404 || answer->status == 409)) {
    {
      const std::lock_guard lock(mutex_);
      is_stale_ = true;
    }
    give_up("the lease has ended");
    return std::nullopt;
  }
  bool is_over = false;
  {
    const std::lock_guard lock(mutex_);
    is_over = Clock::now() >= lease_until_;
  }
  if (is_over) {
    // The server may still know better when the outcome comes.
    give_up("the lease ran out before a heartbeat was answered");
    return std::nullopt;
  }
  return std::min(heartbeat_interval(), pause_after(1, kFirstPause, kLongestPause, answer));
}

std::optional<milliseconds> HeldTask::settlement_answered(const std::optional<Answer>& answer, Settlement& settlement) {
  if (answer && answer->status >= 200 && answer->status < 300) return std::nullopt;
  if (!is_passing(answer)) {
    const bool is_content = answer->status == 413 || answer->status == 422;
    if (!is_content || settlement.verb != "complete") return std::nullopt;
    // The next attempt would return the same.
    settlement = {.verb = "fail",
                  .body = {{"error", "Worker.OutputRefused"},
                           {"cause", "the server refused the output with status " + std::to_string(answer->status)},
                           {"retryable", false}}};
    return milliseconds{0};
  }
  const std::lock_guard lock(mutex_);
  const milliseconds pause = pause_after(++tries_, kFirstPause, kLongestPause, answer);
  if (Clock::now() + pause >= lease_until_ + kOutcomeGrace) return std::nullopt;
  return pause;
}

// ---- TaskContext -------------------------------------------------------------------------------------------------

const Task& TaskContext::task() const { return held_.task(); }
bool TaskContext::is_cancelled() const { return held_.is_unwanted(); }
bool TaskContext::wait_for_cancel(Seconds longest) const { return held_.wait_until_unwanted(longest); }
void TaskContext::throw_if_cancelled() const {
  if (held_.is_unwanted()) throw TaskCancelled(held_.why_unwanted());
}
void TaskContext::heartbeat(Json details) const {
  held_.set_details(std::move(details));
  held_.beat_now();
  throw_if_cancelled();
}

}  // namespace orchestrator_client
