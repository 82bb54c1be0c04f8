#pragma once

#include <functional>
#include <memory>

namespace orchestrator::api {

/// One thread for large bodies, whose parsing would hold an I/O thread up. Work runs in the order given.
class ParsingThread {
 public:
  ParsingThread();
  /// Finishes what was given.
  ~ParsingThread();
  ParsingThread(const ParsingThread&) = delete;
  ParsingThread& operator=(const ParsingThread&) = delete;

  /// Any thread.
  void run(std::function<void()> work);

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace orchestrator::api
