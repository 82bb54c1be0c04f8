#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace orchestrator::language {

struct RegexProgram;  // iregexp.cpp

/// A regular expression of RFC 9485 (I-Regexp), also with `^` and `$`. Matching takes time proportional to text times
/// pattern, whatever the pattern: there is no backtracking. Immutable; safe from any thread.
class IRegexp {
 public:
  /// Null when `pattern` is not an I-Regexp or exceeds kMaxRegexInstructions.
  static std::shared_ptr<const IRegexp> compile(std::string_view pattern);

  explicit IRegexp(std::unique_ptr<const RegexProgram> program);
  ~IRegexp();
  IRegexp(const IRegexp&) = delete;
  IRegexp& operator=(const IRegexp&) = delete;

  /// Whether the whole of `text` matches.
  [[nodiscard]] bool matches(std::string_view text) const;
  /// Whether some part of `text` matches.
  [[nodiscard]] bool is_found_in(std::string_view text) const;
  /// Number of instructions.
  [[nodiscard]] std::size_t size() const;

 private:
  [[nodiscard]] bool run(std::string_view text, bool anchored) const;

  std::unique_ptr<const RegexProgram> program_;
};

}  // namespace orchestrator::language
