#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"

/// The compiled form of a JSONPath: what path_parser.cpp builds and path_select.cpp walks. Names follow RFC 9535.
namespace orchestrator::language {

class IRegexp;  // iregexp.hpp
struct FilterExpression;

/// One entry between brackets; `.name` and `.*` are brackets with one entry.
struct Selector {
  enum class Kind : std::uint8_t { name, wildcard, index, slice, filter };

  Kind kind = Kind::wildcard;
  std::string name;
  std::int64_t index = 0;
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> end;
  std::int64_t step = 1;
  /// Shared because compiled paths are copied with the states that hold them.
  std::shared_ptr<const FilterExpression> filter;
};

struct PathSegment {
  bool descendant = false;  ///< `..`: applies to the node and everything below it
  std::vector<Selector> selectors;
};

/// Whether at most one node can be selected: names and indices only.
bool is_singular(const std::vector<PathSegment>& segments);

/// `@...` or `$...` inside a filter.
struct FilterQuery {
  bool from_root = false;
  bool singular = true;
  std::vector<PathSegment> segments;
};

struct FilterOperand;

struct FilterFunction {
  enum class Kind : std::uint8_t { length, count, match, search, value };

  Kind kind = Kind::length;
  std::vector<FilterOperand> arguments;
  /// match and search with a literal pattern: compiled once. Null when the pattern is computed or malformed.
  std::shared_ptr<const IRegexp> pattern;
};

/// A literal, a query or a function call; the sides of a comparison and the arguments of functions.
struct FilterOperand {
  std::variant<Payload, FilterQuery, FilterFunction> content;
};

struct FilterExpression {
  enum class Kind : std::uint8_t { any_of, all_of, negation, comparison, test };
  enum class Comparison : std::uint8_t { equal, not_equal, less, less_or_equal, greater, greater_or_equal };

  Kind kind = Kind::test;
  std::vector<FilterExpression> parts;  ///< any_of, all_of: two or more; negation: one
  Comparison comparison = Comparison::equal;
  std::vector<FilterOperand> operands;  ///< comparison: two; test: a query that must select something, or match/search
};

}  // namespace orchestrator::language
