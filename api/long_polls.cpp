#include "api/long_polls.hpp"

namespace orchestrator::api {

std::optional<std::uint64_t> LongPolls::add(std::function<void()> answer_now) {
  const telemetry::MutexLock lock(mutex_);
  if (closed_) return std::nullopt;
  const std::uint64_t ticket = next_ticket_++;
  waiting_.emplace(ticket, std::move(answer_now));
  return ticket;
}

bool LongPolls::remove(std::uint64_t ticket) {
  const telemetry::MutexLock lock(mutex_);
  return waiting_.erase(ticket) > 0;
}

void LongPolls::answer_all() {
  std::map<std::uint64_t, std::function<void()>> waiting;
  {
    const telemetry::MutexLock lock(mutex_);
    closed_ = true;
    waiting.swap(waiting_);
  }
  for (const auto& [ticket, answer_now] : waiting) answer_now();
}

}  // namespace orchestrator::api
