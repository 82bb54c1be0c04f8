#include "orchestrator/app/virtual_engine.hpp"

#include <algorithm>
#include <utility>

namespace orchestrator::app {

void VirtualWorld::post(Duration at, Rank rank, Purpose purpose, std::function<void()> work) {
  queue_.emplace(std::tuple{at, rank, next_number_++}, Entry{purpose, std::move(work)});
}

bool VirtualWorld::run_next() {
  if (queue_.empty()) return false;
  const auto next = queue_.begin();
  now_ = std::max(now_, std::get<Duration>(next->first));
  const auto run = std::move(next->second.run);
  queue_.erase(next);
  run();
  return true;
}

std::optional<Duration> VirtualWorld::next_work() const {
  const auto found = std::find_if(queue_.begin(), queue_.end(),
                                  [](const auto& entry) { return entry.second.purpose == Purpose::work; });
  if (found == queue_.end()) return std::nullopt;
  return std::get<Duration>(found->first);
}

void VirtualExecutor::post(std::function<void()> work) {
  world_.post_at(world_.now(), VirtualWorld::Purpose::work, [life = life_, work = std::move(work)] {
    if (*life) work();
  });
}

void VirtualExecutor::post_after(Duration delay, std::function<void()> work) {
  if (delay <= Duration{}) return post(std::move(work));
  world_.post_timer(world_.now() + delay, delayed_, [life = life_, work = std::move(work)] {
    if (*life) work();
  });
}

std::uint64_t SeededRandom::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t word = state_;
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
  return word ^ (word >> 31);
}

void MockHandlerThreads::run(std::function<void()> work) {
  world_.post_at(world_.now(), VirtualWorld::Purpose::work, [this, life = life_, work = std::move(work)] {
    if (*life) perform(work);
  });
}

void MockHandlerThreads::perform(const std::function<void()>& work) {
  {
    const telemetry::MutexLock lock(mutex_);
    is_resting_ = false;
    has_hung_ = false;
  }
  // Only one of this thread and the world's runs at a time: no handler sees the world change under it.
  std::thread thread([this, work] {
    work();
    const telemetry::MutexLock lock(mutex_);
    is_resting_ = true;
    changed_.notify_all();
  });
  bool has_hung = false;
  {
    const telemetry::MutexLock lock(mutex_);
    while (!is_resting_) changed_.wait(mutex_);
    has_hung = has_hung_;
  }
  if (has_hung) {
    hanging_.push_back(std::move(thread));
  } else {
    thread.join();
  }
}

void MockHandlerThreads::hang() {
  const telemetry::MutexLock lock(mutex_);
  is_resting_ = true;
  has_hung_ = true;
  const std::size_t number = ++hung_count_;
  changed_.notify_all();
  while (let_go_ < number) changed_.wait(mutex_);
}

void MockHandlerThreads::end() {
  // One after the other, in the order in which they hung: what they post on their way out goes to the one queue.
  for (std::thread& thread : hanging_) {
    {
      const telemetry::MutexLock lock(mutex_);
      ++let_go_;
      changed_.notify_all();
    }
    thread.join();
  }
  hanging_.clear();
}

}  // namespace orchestrator::app
