#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace orchestrator::store::postgres {

/// Hears when a transaction that called the SQL entry points commits, over a connection and a thread of its own, so
/// that its message need not wait for the next poll. A connection that breaks is made again; polling alone is correct.
/// Behind a pooler that shares sessions nothing is heard. Ends with its destruction.
class InboxListener {
 public:
  /// @param heard called on the listener's thread: once for a burst of notifications, and once whenever the connection
  /// was made, since nothing was heard without it
  InboxListener(std::string url, std::function<void()> heard);
  ~InboxListener();
  InboxListener(const InboxListener&) = delete;
  InboxListener& operator=(const InboxListener&) = delete;

 private:
  class StopEvent;

  void run();
  /// Until the connection breaks or it is time to end.
  void listen();

  std::string url_;                  // Fixed after construction.
  std::function<void()> heard_;      // Fixed after construction.
  std::unique_ptr<StopEvent> stop_;  // Fixed after construction; thread-safe.
  std::thread thread_;               // Last: it uses the others.
};

}  // namespace orchestrator::store::postgres
