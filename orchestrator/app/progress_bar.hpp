#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace orchestrator::app {

/// What a bar says: `retried [######----] 123 of 499, 2 refused, 50/s, 8 s left`, in so many columns.
std::string draw_progress(const std::string& word, std::size_t done, std::size_t refused, std::size_t total,
                          double per_second, std::size_t columns);

/// How far a long operation is, on standard error and only where that is a terminal: scripts see nothing of it.
class ProgressBar {
 public:
  /// @param word what is done to each: "retried", "enqueued"
  /// @param already over when the bar begins: does not count for how fast it goes
  ProgressBar(std::string word, std::size_t total, std::size_t already = 0);
  ~ProgressBar() { end(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Redrawn at most ten times a second.
  void show(std::size_t done, std::size_t refused);
  /// Before something else may be printed.
  void make_room();
  void end();

 private:
  std::string word_;
  std::size_t total_;
  std::size_t already_;
  bool visible_;  ///< there is a terminal
  bool drawn_ = false;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point drawn_at_{};
};

}  // namespace orchestrator::app
