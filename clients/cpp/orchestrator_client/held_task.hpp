#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "orchestrator_client/connection.hpp"
#include "orchestrator_client/task.hpp"

namespace orchestrator_client {

/// The one call that settles a task.
struct Settlement {
  std::string verb;  ///< complete, fail or release
  Json body = Json::object();
};

/// One task in hand: its lease, what the server said about it, and the way to its one outcome. Decides, sends nothing.
/// Any thread.
class HeldTask {
 public:
  using Clock = std::chrono::steady_clock;

  HeldTask(Task task, std::chrono::seconds lease, Clock::time_point claimed_at)
      : task_(std::move(task)), lease_(lease), lease_until_(claimed_at + lease) {}

  [[nodiscard]] const Task& task() const { return task_; }
  /// A third of the lease: two heartbeats may be lost.
  [[nodiscard]] std::chrono::milliseconds heartbeat_interval() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(lease_) / 3;
  }

  [[nodiscard]] bool is_unwanted() const;
  [[nodiscard]] std::string why_unwanted() const;
  bool wait_until_unwanted(Seconds longest) const;
  void give_up(const std::string& why);
  /// The server refused the token: nothing may be sent for it any more.
  [[nodiscard]] bool is_stale() const;

  /// They go with every heartbeat from now on.
  void set_details(Json details);
  [[nodiscard]] Json heartbeat_body() const;
  /// Sends a heartbeat now, with the details, and waits for its answer; set by the worker.
  std::function<void()> beat_now;

  /// What a heartbeat was answered; nothing: no answer came. The pause until the next one, or nothing when there is
  /// nothing left to renew.
  std::optional<std::chrono::milliseconds> heartbeat_answered(const std::optional<Answer>& answer,
                                                              Clock::time_point sent_at);
  /// Whether the outcome has to be sent again, after which pause; `settlement` changes only when the server refused its
  /// content.
  std::optional<std::chrono::milliseconds> settlement_answered(const std::optional<Answer>& answer,
                                                               Settlement& settlement);

 private:
  const Task task_;
  const std::chrono::seconds lease_;
  mutable std::mutex mutex_;
  mutable std::condition_variable unwanted_;
  // Guarded by mutex_.
  Clock::time_point lease_until_;
  std::string why_unwanted_;
  bool is_stale_ = false;
  std::optional<Json> details_;
  int tries_ = 0;
};

/// A pause that doubles from `first` to `longest`, a random half of it taken off; at least what the server asked for.
std::chrono::milliseconds pause_after(int failures, std::chrono::milliseconds first, std::chrono::milliseconds longest,
                                      const std::optional<Answer>& answer);

/// Whether a status passes by itself: the server is busy, ends, or was not there.
bool is_passing(const std::optional<Answer>& answer);

}  // namespace orchestrator_client
