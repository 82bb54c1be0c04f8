#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <termios.h>

namespace orchestrator::app {

/// A terminal taken over for frames that replace each other: its other screen, no cursor, keys without Enter. Given
/// back as it was at the end. Only where standard output is a terminal.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  /// Rows of the terminal now; it may change between two frames.
  [[nodiscard]] static std::size_t rows();
  /// Draws over the frame before, without a flicker in between.
  void show(const std::vector<std::string>& lines) const;
  /// The next key, waiting at most this long; 0 when none came. Ctrl-C is 3.
  char key(std::chrono::milliseconds patience) const;

 private:
  bool takes_keys_ = false;
  termios before_{};
};

}  // namespace orchestrator::app
