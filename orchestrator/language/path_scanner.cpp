#include "orchestrator/language/path_scanner.hpp"

#include <charconv>
#include <cmath>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

/// Indices and slice bounds stay exact in every JSON implementation. Source: RFC 9535 section 2.1.
constexpr std::int64_t kMaxExactInteger = (std::int64_t{1} << 53) - 1;

}  // namespace

std::string PathScanner::take_name_characters() {
  const std::size_t from = at_;
  while (!at_end() && (starts_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
  return std::string(text_.substr(from, at_ - from));
}

bool PathScanner::parse_optional_integer(std::optional<std::int64_t>& number) {
  if (peek() != '-' && !is_digit(peek())) return true;
  const std::size_t from = at_;
  const bool negative = take('-');
  if (!is_digit(peek())) return wrong("needs a digit");
  if (peek() == '0' && (negative || is_digit(peek(1)))) return wrong("has a number with a leading zero");
  while (is_digit(peek())) ++at_;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text_.data() + from, text_.data() + at_, value);
  if (parsed.ec != std::errc() || value > kMaxExactInteger || value < -kMaxExactInteger) {
    return wrong("has an integer beyond 2^53 - 1");
  }
  number = value;
  return true;
}

bool PathScanner::parse_string(std::string& out) {
  const char quote = text_[at_++];
  while (!at_end()) {
    const char c = text_[at_];
    if (c == quote) {
      ++at_;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) return wrong("has a control character in a string");
    ++at_;
    if (c != '\\') {
      out += c;
    } else if (!parse_escape(quote, out)) {
      return false;
    }
  }
  return wrong("has a string without an end");
}

bool PathScanner::parse_escape(char quote, std::string& out) {
  const char c = at_end() ? '\0' : text_[at_++];
  switch (c) {
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case '/': out += '/'; return true;
    case '\\': out += '\\'; return true;
    case 'u': return parse_unicode_escape(out);
    default: break;
  }
  if (c != quote || c == '\0') return wrong("has an unknown escape in a string");
  out += c;
  return true;
}

bool PathScanner::parse_unicode_escape(std::string& out) {
  char32_t unit = 0;
  if (!parse_hex4(unit)) return false;
  if (unit >= 0xDC00 && unit <= 0xDFFF) return wrong("has half of a surrogate pair");
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    char32_t low = 0;
    if (!take("\\u") || !parse_hex4(low) || low < 0xDC00 || low > 0xDFFF) return wrong("has half of a surrogate pair");
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  append_code_point(out, unit);
  return true;
}

bool PathScanner::parse_hex4(char32_t& unit) {
  unsigned value = 0;
  if (text_.size() - at_ < 4) return wrong("needs four hexadecimal digits");
  const auto parsed = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, value, 16);
  if (parsed.ec != std::errc() || parsed.ptr != text_.data() + at_ + 4) return wrong("needs four hexadecimal digits");
  unit = value;
  at_ += 4;
  return true;
}

bool PathScanner::parse_number(Json& out) {
  const std::size_t from = at_;
  const bool negative = take('-');
  if (!is_digit(peek())) return wrong("needs a digit");
  if (peek() == '0' && is_digit(peek(1))) return wrong("has a number with a leading zero");
  while (is_digit(peek())) ++at_;
  bool integral = true;
  if (peek() == '.') {
    ++at_;
    if (!is_digit(peek())) return wrong("needs a digit");
    while (is_digit(peek())) ++at_;
    integral = false;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!is_digit(peek())) return wrong("needs a digit");
    while (is_digit(peek())) ++at_;
    integral = false;
  }
  const char* const first = text_.data() + from;
  const char* const last = text_.data() + at_;
  std::int64_t whole = 0;
  if (integral && std::from_chars(first, last, whole).ec == std::errc()) {
    out = whole;  // `-0` is 0.
    return true;
  }
  std::uint64_t large = 0;
  if (integral && !negative && std::from_chars(first, last, large).ec == std::errc()) {
    out = large;
    return true;
  }
  double real = 0;
  if (std::from_chars(first, last, real).ec != std::errc() || !std::isfinite(real)) {
    return wrong("has a number out of range");
  }
  out = real;
  return true;
}

}  // namespace orchestrator::language
