#include "orchestrator/app/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "orchestrator/app/page.hpp"
#include "orchestrator/app/relative_time.hpp"

namespace orchestrator::app {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kMaxBar = 40;
constexpr std::size_t kMinBar = 5;
/// An operation that is over sooner needs no bar.
constexpr std::chrono::milliseconds kPatience{300};

std::size_t columns_of_errors() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsualColumns;
}

}  // namespace

std::string draw_progress(const std::string& word, std::size_t done, std::size_t refused, std::size_t total,
                          double per_second, std::size_t columns) {
  const std::size_t over = done + refused;
  std::string text = std::to_string(over) + " of " + std::to_string(total);
  if (refused > 0) text += ", " + std::to_string(refused) + " refused";
  if (per_second > 0) {
    text += ", " + std::to_string(std::lround(per_second)) + "/s";
    if (over < total) {
      const auto left = static_cast<std::int64_t>(static_cast<double>(total - over) / per_second * 1e3);
      text += ", " + in_short(std::chrono::milliseconds(left)) + " left";
    }
  }
  const std::size_t others = word.size() + text.size() + 4;
  if (others + kMinBar > columns) return shortened(word + " " + text, columns);
  const std::size_t width = std::min(columns - others, kMaxBar);
  const std::size_t filled = total == 0 ? width : std::min(width, width * over / total);
  return word + " [" + std::string(filled, '#') + std::string(width - filled, '-') + "] " + text;
}

ProgressBar::ProgressBar(std::string word, std::size_t total, std::size_t already)
    : word_(std::move(word)),
      total_(total),
      already_(already),
      visible_(isatty(STDERR_FILENO) != 0),
      begun_(std::chrono::steady_clock::now()) {}

void ProgressBar::show(std::size_t done, std::size_t refused) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || now - begun_ < kPatience) return;
  if (drawn_ && now - drawn_at_ < kRedraw && done + refused < total_) return;
  const std::size_t since = done + refused > already_ ? done + refused - already_ : 0;
  const double rate = static_cast<double>(since) / std::chrono::duration<double>(now - begun_).count();
  // One column stays free: a full line would wrap.
  std::cerr << "\r\x1b[K" << draw_progress(word_, done, refused, total_, rate, columns_of_errors() - 1) << std::flush;
  drawn_ = true;
  drawn_at_ = now;
}

void ProgressBar::make_room() {
  if (std::exchange(drawn_, false)) std::cerr << "\r\x1b[K" << std::flush;
}

void ProgressBar::end() {
  if (std::exchange(drawn_, false)) std::cerr << "\n";
}

}  // namespace orchestrator::app
