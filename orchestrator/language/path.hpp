#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::language {

struct PathSegment;  // path_segment.hpp

/// Which texts count as a path.
enum class PathDialect : std::uint8_t {
  states,   ///< state machines: RFC 9535, plus `$$`, `$variable`, and bare names such as `order-id` and `0`
  rfc9535,  ///< the standard and nothing else
};

/// A compiled JSONPath: `$.a.b[0]`, `$$.Execution.Id` (context object), `$name.x` (variable).
/// Copies share the compiled form. Immutable; safe from any thread.
class Path {
 public:
  enum class Root : std::uint8_t { input, context, variable };

  /// Compiles `text`. invalid_argument with a sentence when it is not a path.
  static Result<Path> parse(std::string_view text, PathDialect dialect = PathDialect::states);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] Root root() const { return root_; }
  [[nodiscard]] const std::string& variable() const { return variable_; }  ///< root variable: its name without `$`
  /// Whether it can select at most one node: only names and indices.
  [[nodiscard]] bool is_definite() const { return definite_; }
  /// Whether it is just `$`.
  [[nodiscard]] bool is_root() const;
  /// Whether it is a reference path: definite, and no index counts from the end.
  [[nodiscard]] bool is_reference() const;

  /// Every node that the path selects below `root`, in document order; pointers into `root`. resource_exhausted when
  /// it visits or selects more nodes than limits.hpp allows.
  [[nodiscard]] Result<std::vector<const Json*>> select(const Json& root) const;
  /// The single node of a definite path, or null when it is missing.
  [[nodiscard]] const Json* find(const Json& root) const;

  [[nodiscard]] const std::vector<PathSegment>& segments() const { return *segments_; }

 private:
  Path() = default;
  std::string text_;
  Root root_ = Root::input;
  std::string variable_;
  bool definite_ = true;
  // Shared: copies of a State's paths never change after parsing.
  std::shared_ptr<const std::vector<PathSegment>> segments_;
};

/// InputPath / OutputPath: absent (the whole value), null (an empty object), or a path.
struct PathOrNull {
  bool is_null = false;
  std::optional<Path> path;  ///< nothing and not null: absent
};

/// ResultPath: absent (replace all), null (discard the result), or a reference path into the input.
struct ResultPath {
  bool is_null = false;
  std::optional<Path> path;
};

}  // namespace orchestrator::language
