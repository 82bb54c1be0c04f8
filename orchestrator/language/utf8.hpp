#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Code points of UTF-8 text.
namespace orchestrator::language {

/// Reads the code point at `at` and moves past it; nothing when the bytes are not UTF-8 or the text has ended.
std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at);

/// Appends a code point, which must be a Unicode scalar value.
void append_code_point(std::string& text, char32_t code_point);

/// All code points; what is not UTF-8 becomes U+FFFD.
std::u32string to_code_points(std::string_view text);

/// How many code points `text` has.
std::size_t count_code_points(std::string_view text);

}  // namespace orchestrator::language
