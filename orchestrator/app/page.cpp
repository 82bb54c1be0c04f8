#include "orchestrator/app/page.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>

namespace orchestrator::app {
namespace {

/// Narrower, nothing can be laid out; such a width is taken for a mistake.
constexpr std::size_t kMinColumns = 20;

constexpr std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::strong: return "1";
    case Tone::faint: return "2";
    case Tone::good: return "32";
    case Tone::warning: return "33";
    case Tone::bad: return "1;31";
  }
  return "";
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::size_t columns_of_output() {
  std::size_t columns = 0;
  const std::string_view said = variable("COLUMNS");
  std::from_chars(said.data(), said.data() + said.size(), columns);
  if (columns >= kMinColumns) return columns;
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col >= kMinColumns ? size.ws_col : 0;
}

bool is_continuation(char c) { return (c & 0xC0) == 0x80; }

/// Bytes that the first so many characters take.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t shown = 0; at < text.size(); ++at) {
    if (!is_continuation(text[at]) && ++shown > width) break;
  }
  return at;
}

}  // namespace

std::string Page::paint(std::string text, Tone tone) const {
  if (!coloured || tone == Tone::plain || text.empty()) return text;
  return "\x1b[" + std::string(code_of(tone)) + "m" + text + "\x1b[0m";
}

Page page_of_output() {
  Page page;
  page.columns = columns_of_output();
  page.coloured = isatty(STDOUT_FILENO) != 0 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  page.now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  return page;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

std::string without_controls(std::string text) {
  std::ranges::replace_if(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  return text;
}

std::string shortened(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  const std::size_t kept = width > 3 ? width - 3 : width;
  text.resize(bytes_of(text, kept));
  return width > 3 ? text + "..." : text;
}

std::string clipped(std::string_view line, std::size_t width) {
  std::string text;
  std::size_t shown = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\x1b') {
      // Takes no room, and the last one ends a colour: kept also behind the end.
      const std::size_t end = std::min(line.find('m', at), line.size() - 1);
      text += line.substr(at, end - at + 1);
      at = end;
      continue;
    }
    if (!is_continuation(line[at])) ++shown;
    if (shown <= width) text += line[at];
  }
  return text;
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t has = width_of(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (width > 0 && width_of(text) > width) {
    std::size_t end = bytes_of(text, width);
    // A space right behind the line still ends it. What has no space near its end is cut where it stands.
    const std::size_t space = text.rfind(' ', end);
    const bool breaks = space != std::string_view::npos && space > end / 3;
    if (breaks) end = space;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(breaks ? end + 1 : end);
  }
  lines.emplace_back(text);
  return lines;
}

}  // namespace orchestrator::app
