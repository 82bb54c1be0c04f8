#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// What Clang's -Wthread-safety checks; other compilers see nothing. libstdc++'s own mutex carries no annotations.
#if defined(__clang__)
#define ORC_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define ORC_THREAD_ATTRIBUTE(x)
#endif

/// Behind a member: it is only touched while the named mutex is held.
#define ORC_GUARDED_BY(mutex) ORC_THREAD_ATTRIBUTE(guarded_by(mutex))
/// Behind a function's parameters: its caller holds the named mutex.
#define ORC_REQUIRES(mutex) ORC_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace orchestrator::telemetry {

/// A std::mutex whose members' guarding the compiler checks. Never held across a co_await.
class ORC_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() ORC_THREAD_ATTRIBUTE(acquire_capability()) { inner_.lock(); }
  void unlock() ORC_THREAD_ATTRIBUTE(release_capability()) { inner_.unlock(); }

 private:
  friend class Condition;
  std::mutex inner_;
};

/// Holds a Mutex until the end of its scope, or until unlock().
class ORC_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ORC_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() ORC_THREAD_ATTRIBUTE(release_capability()) {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  /// Releases early. Once at most.
  void unlock() ORC_THREAD_ATTRIBUTE(release_capability()) {
    held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

/// A condition variable for Mutex. Waits may end early without reason: call them in a loop that looks at the condition.
/// The loop, unlike a predicate, lets the compiler see that the lock is held.
class Condition {
 public:
  void notify_one() { inner_.notify_one(); }
  void notify_all() { inner_.notify_all(); }

  /// Gives `mutex` up while it waits; it is held again on return.
  void wait(Mutex& mutex) ORC_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.inner_, std::adopt_lock);
    inner_.wait(lock);
    lock.release();
  }
  /// The same, until `deadline` at most; false when it has passed.
  bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline) ORC_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.inner_, std::adopt_lock);
    const bool in_time = inner_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }

 private:
  std::condition_variable inner_;
};

}  // namespace orchestrator::telemetry
