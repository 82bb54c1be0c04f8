#include "orchestrator/service/feed_position.hpp"

#include <charconv>

namespace orchestrator::service {
namespace {

Error not_a_position() {
  return Error(ErrorCode::invalid_argument, "invalid-parameter", "`Last-Event-ID` is not an id of this stream");
}

/// Digits with colons and commas, as PostgreSQL writes snapshots.
bool is_place(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789:,") == std::string_view::npos;
}

/// Takes a number off the front of `text`, and the dot behind it where one must be.
bool take_number(std::string_view& text, std::uint64_t& number, bool dot) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!dot) return text.empty();
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string FeedPosition::text() const {
  if (until.empty()) return after;
  return after + ";" + until + ";" + std::to_string(batch) + "." + std::to_string(entry) + "." + std::to_string(event);
}

Result<FeedPosition> FeedPosition::parse(std::string_view text) {
  if (text.size() > kMaxPositionBytes) return not_a_position();
  FeedPosition position;
  const auto first = text.find(';');
  position.after = text.substr(0, first);
  if (!is_place(position.after)) return not_a_position();
  if (first == std::string_view::npos) return position;
  const auto second = text.find(';', first + 1);
  if (second == std::string_view::npos) return not_a_position();
  position.until = text.substr(first + 1, second - first - 1);
  std::string_view rest = text.substr(second + 1);
  if (!is_place(position.until) || !take_number(rest, position.batch, true) ||
      !take_number(rest, position.entry, true) || !take_number(rest, position.event, false)) {
    return not_a_position();
  }
  return position;
}

}  // namespace orchestrator::service
