#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::runtime {

/// Runs work one piece at a time, in order. In production a strand on the I/O threads, in simulations a queue on a
/// virtual clock. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Never runs `work` before it returns.
  virtual void post(std::function<void()> work) = 0;
  /// Runs `work` on this executor once `delay` has passed on the steady clock.
  virtual void post_after(Duration delay, std::function<void()> work) = 0;
};

/// The steady clock, so that simulations can bring their own.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Duration steady_now() const = 0;
};

/// Fresh random words; thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

/// Where handlers run: a pool of threads in production, the virtual executor in simulations. Work may block.
class HandlerThreads {
 public:
  virtual ~HandlerThreads() = default;
  virtual void run(std::function<void()> work) = 0;
};

}  // namespace orchestrator::runtime
