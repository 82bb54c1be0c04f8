#include "orchestrator/service/deadlines.hpp"

#include <vector>

namespace orchestrator::service {
namespace {

constexpr Duration kLook = std::chrono::seconds{1};

}  // namespace

void Deadlines::watch(const std::shared_ptr<void>& once, void (*expire)(const std::shared_ptr<void>&)) {
  bool begin = false;
  {
    const telemetry::MutexLock lock(mutex_);
    entries_.push_back({clock_.steady_now() + limit_, once, expire});
    begin = !std::exchange(looking_, true);
  }
  // Only while somebody waits: an idle server is idle.
  if (begin) executor_.post_after(kLook, [self = shared_from_this()] { self->look(); });
}

void Deadlines::look() {
  std::vector<std::pair<std::shared_ptr<void>, void (*)(const std::shared_ptr<void>&)>> due;
  bool again = false;
  {
    const telemetry::MutexLock lock(mutex_);
    const Duration now = clock_.steady_now();
    while (!entries_.empty()) {
      auto held = entries_.front().once.lock();
      if (held != nullptr && entries_.front().due > now) break;
      if (held != nullptr) due.emplace_back(std::move(held), entries_.front().expire);
      entries_.pop_front();
    }
    again = !entries_.empty();
    looking_ = again;
  }
  for (const auto& [once, expire] : due) expire(once);
  if (again) executor_.post_after(kLook, [self = shared_from_this()] { self->look(); });
}

}  // namespace orchestrator::service
