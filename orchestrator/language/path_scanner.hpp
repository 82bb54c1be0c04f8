#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::language {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
/// Whether a bare name of a JSONPath may begin with it; every byte beyond ASCII may.
inline bool starts_name(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

/// A position in the text of a JSONPath and the words that RFC 9535 builds paths from. The base of the parser.
class PathScanner {
 protected:
  explicit PathScanner(std::string_view text) : text_(text) {}

  /// Keeps the first fault; always false, so that callers can `return wrong(...)`.
  bool wrong(const std::string& why) {
    if (error_.empty()) error_ = why + " at character " + std::to_string(at_ + 1);
    return false;
  }

  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void skip_blanks() {
    while (!at_end() && is_blank(text_[at_])) ++at_;
  }

  std::string take_name_characters();

  // Each reads one word at the position; false when it is malformed.

  /// Nothing when no number begins here.
  bool parse_optional_integer(std::optional<std::int64_t>& number);
  /// Between either kind of quotes.
  bool parse_string(std::string& out);
  /// A number of a comparison: exact when it is an integer of 64 bits.
  bool parse_number(Json& out);

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string error_;

 private:
  bool parse_escape(char quote, std::string& out);
  bool parse_unicode_escape(std::string& out);
  bool parse_hex4(char32_t& unit);
};

}  // namespace orchestrator::language
