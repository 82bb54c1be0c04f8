#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::app {

/// What a piece of output says about itself, as a colour where there are any.
enum class Tone : std::uint8_t { plain, strong, faint, good, warning, bad };

/// Where verbs print for people: how wide it is, whether it shows colours, and since when ages count.
struct Page {
  std::size_t columns = 0;  ///< 0: no limit, one row is one line; a pipe or a file
  bool coloured = false;
  Timestamp now{};

  [[nodiscard]] std::string paint(std::string text, Tone tone) const;
};

/// Standard output: as wide as its terminal, coloured unless NO_COLOR is set or the terminal is dumb; no limit and no
/// colours in a pipe. COLUMNS, when set, says how wide.
Page page_of_output();

/// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width_of(std::string_view text);

/// Control characters as spaces, so that no payload can draw on the terminal.
std::string without_controls(std::string text);

/// Cut to so many characters, the last three as "..."; never in the middle of a character.
std::string shortened(std::string text, std::size_t width);

/// A line that may hold colours, cut to so many characters.
std::string clipped(std::string_view line, std::size_t width);

/// Filled with spaces up to so many characters.
std::string padded(std::string text, std::size_t width);

/// Lines of at most so many characters, broken at spaces where there are any. Width 0: one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace orchestrator::app
