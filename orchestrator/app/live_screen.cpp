#include "orchestrator/app/live_screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string_view>

namespace orchestrator::app {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::size_t kUsualRows = 24;

/// A terminal that is gone needs no frame.
void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

LiveScreen::LiveScreen() {
  write_all(kEnter);
  if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &before_) != 0) return;
  termios raw = before_;
  // Ctrl-C comes as a key: the screen is given back before the process ends.
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  takes_keys_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

LiveScreen::~LiveScreen() {
  if (takes_keys_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  write_all(kLeave);
}

std::size_t LiveScreen::rows() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return kUsualRows;
  return size.ws_row;
}

void LiveScreen::show(const std::vector<std::string>& lines) const {
  std::string frame = "\x1b[H";
  for (std::size_t at = 0; at < lines.size(); ++at) frame += (at == 0 ? "" : "\r\n") + lines[at] + "\x1b[K";
  write_all(frame + "\x1b[J");
}

char LiveScreen::key(std::chrono::milliseconds patience) const {
  pollfd input{.fd = takes_keys_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
  if (poll(&input, 1, static_cast<int>(patience.count())) <= 0) return 0;
  char key = 0;
  // The terminal was closed: as if somebody had quit.
  return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

}  // namespace orchestrator::app
