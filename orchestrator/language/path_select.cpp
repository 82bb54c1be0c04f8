#include "orchestrator/language/path_select.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/iregexp.hpp"
#include "orchestrator/language/json_compare.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

using Nodes = std::vector<const Json*>;

/// One evaluation. Once the budget is spent it stops descending and `exhausted()` tells.
class Selection {
 public:
  explicit Selection(const Json& root) : root_(root) {}

  Nodes run(const std::vector<PathSegment>& segments, const Json& start) {
    Nodes current{&start};
    for (const PathSegment& segment : segments) {
      Nodes next;
      for (const Json* node : current) {
        if (segment.descendant) {
          apply_below(segment, *node, next);
        } else {
          apply(segment, *node, next);
        }
        if (exhausted()) return {};
      }
      current = std::move(next);
    }
    return current;
  }

  [[nodiscard]] bool exhausted() const { return visited_ > kMaxVisitedNodes || too_many_; }

 private:
  /// The value of an operand, or nothing. `owned` keeps what functions compute.
  struct Value {
    const Json* found = nullptr;
    std::optional<Json> owned;
    [[nodiscard]] const Json* get() const { return owned ? &*owned : found; }
  };

  void take(const Json& node, Nodes& out) {
    if (out.size() >= kMaxSelectedNodes) {
      too_many_ = true;
      return;
    }
    out.push_back(&node);
  }

  void apply_below(const PathSegment& segment, const Json& node, Nodes& out) {
    apply(segment, node, out);
    if (exhausted() || !node.is_structured()) return;
    for (const Json& child : node) apply_below(segment, child, out);
  }

  void apply(const PathSegment& segment, const Json& node, Nodes& out) {
    ++visited_;
    for (const Selector& selector : segment.selectors) {
      if (exhausted()) return;
      switch (selector.kind) {
        case Selector::Kind::name:
        case Selector::Kind::index:
          if (const Json* child = find_child(node, selector)) take(*child, out);
          break;
        case Selector::Kind::wildcard:
          if (!node.is_structured()) break;
          for (const Json& child : node) take(child, out);
          visited_ += node.size();
          break;
        case Selector::Kind::slice: apply_slice(selector, node, out); break;
        case Selector::Kind::filter:
          if (!node.is_structured()) break;
          for (const Json& child : node) {
            ++visited_;
            if (exhausted()) return;
            if (holds(*selector.filter, child)) take(child, out);
          }
          break;
      }
    }
  }

  /// Bounds and order as RFC 9535 section 2.3.4.2 computes them.
  void apply_slice(const Selector& selector, const Json& node, Nodes& out) {
    if (!node.is_array() || selector.step == 0) return;
    const auto length = static_cast<std::int64_t>(node.size());
    const std::int64_t step = selector.step;
    const auto normal = [length](std::int64_t i) { return i >= 0 ? i : length + i; };
    const std::int64_t start = normal(selector.start.value_or(step > 0 ? 0 : length - 1));
    const std::int64_t end = selector.end ? normal(*selector.end) : (step > 0 ? length : -1);
    if (step > 0) {
      const std::int64_t lower = std::clamp<std::int64_t>(start, 0, length);
      const std::int64_t upper = std::clamp<std::int64_t>(end, 0, length);
      for (std::int64_t i = lower; i < upper; i += step) take(node[static_cast<std::size_t>(i)], out);
    } else {
      const std::int64_t upper = std::clamp<std::int64_t>(start, -1, length - 1);
      const std::int64_t lower = std::clamp<std::int64_t>(end, -1, length - 1);
      for (std::int64_t i = upper; i > lower; i += step) take(node[static_cast<std::size_t>(i)], out);
    }
    visited_ += node.size();
  }

  bool holds(const FilterExpression& expression, const Json& current) {
    const auto part_holds = [&](const FilterExpression& part) { return holds(part, current); };
    switch (expression.kind) {
      case FilterExpression::Kind::any_of: return std::ranges::any_of(expression.parts, part_holds);
      case FilterExpression::Kind::all_of: return std::ranges::all_of(expression.parts, part_holds);
      case FilterExpression::Kind::negation: return !holds(expression.parts.front(), current);
      case FilterExpression::Kind::test: return test_holds(expression.operands.front(), current);
      case FilterExpression::Kind::comparison: break;
    }
    const Value left = value_of(expression.operands[0], current);
    const Value right = value_of(expression.operands[1], current);
    return compares(left.get(), expression.comparison, right.get());
  }

  bool test_holds(const FilterOperand& operand, const Json& current) {
    if (const auto* query = std::get_if<FilterQuery>(&operand.content)) return !nodes_of(*query, current).empty();
    return matches(std::get<FilterFunction>(operand.content), current);
  }

  Nodes nodes_of(const FilterQuery& query, const Json& current) {
    return run(query.segments, query.from_root ? root_ : current);
  }

  Value value_of(const FilterOperand& operand, const Json& current) {
    if (const auto* literal = std::get_if<Payload>(&operand.content)) return Value{.found = literal->get()};
    if (const auto* query = std::get_if<FilterQuery>(&operand.content)) return single(nodes_of(*query, current));

    const auto& function = std::get<FilterFunction>(operand.content);
    const FilterOperand& argument = function.arguments.front();
    switch (function.kind) {
      case FilterFunction::Kind::length: return length_of(value_of(argument, current).get());
      case FilterFunction::Kind::count:
        return Value{.owned = Json(nodes_of(std::get<FilterQuery>(argument.content), current).size())};
      case FilterFunction::Kind::value: return single(nodes_of(std::get<FilterQuery>(argument.content), current));
      case FilterFunction::Kind::match:
      case FilterFunction::Kind::search: break;  // Logical, never a value: the parser refuses them here.
    }
    return {};
  }

  static Value single(const Nodes& nodes) { return Value{.found = nodes.size() == 1 ? nodes.front() : nullptr}; }

  static Value length_of(const Json* value) {
    if (value == nullptr) return {};
    if (value->is_string()) return Value{.owned = Json(count_code_points(value->get_ref<const std::string&>()))};
    if (value->is_structured()) return Value{.owned = Json(value->size())};
    return {};
  }

  bool matches(const FilterFunction& function, const Json& current) {
    const Value subject = value_of(function.arguments[0], current);
    if (subject.get() == nullptr || !subject.get()->is_string()) return false;
    std::shared_ptr<const IRegexp> pattern = function.pattern;
    if (pattern == nullptr) {
      const Value text = value_of(function.arguments[1], current);
      if (text.get() == nullptr || !text.get()->is_string()) return false;
      pattern = IRegexp::compile(text.get()->get_ref<const std::string&>());
      if (pattern == nullptr) return false;
    }
    const auto& text = subject.get()->get_ref<const std::string&>();
    visited_ += text.size() + pattern->size();
    return function.kind == FilterFunction::Kind::match ? pattern->matches(text) : pattern->is_found_in(text);
  }

  /// Nothing equals nothing; only numbers and strings have an order. Source: RFC 9535 section 2.3.5.2.2.
  static bool compares(const Json* left, FilterExpression::Comparison comparison, const Json* right) {
    using Comparison = FilterExpression::Comparison;
    const auto equal = [&] {
      if (left == nullptr || right == nullptr) return left == right;
      return equal_values(*left, *right);
    };
    const auto less = [](const Json* a, const Json* b) { return a != nullptr && b != nullptr && is_less(*a, *b); };
    switch (comparison) {
      case Comparison::equal: return equal();
      case Comparison::not_equal: return !equal();
      case Comparison::less: return less(left, right);
      case Comparison::less_or_equal: return less(left, right) || equal();
      case Comparison::greater: return less(right, left);
      case Comparison::greater_or_equal: return less(right, left) || equal();
    }
    return false;
  }

  const Json& root_;
  std::size_t visited_ = 0;
  bool too_many_ = false;
};

}  // namespace

Result<std::vector<const Json*>> select_nodes_below(const std::vector<PathSegment>& segments, const Json& root) {
  Selection selection(root);
  Nodes nodes = selection.run(segments, root);
  if (selection.exhausted()) {
    return fail(ErrorCode::resource_exhausted, "the JSONPath visits more than " + std::to_string(kMaxVisitedNodes) +
                                                   " nodes or selects more than " + std::to_string(kMaxSelectedNodes));
  }
  return nodes;
}

const Json* find_child(const Json& node, const Selector& selector) {
  if (selector.kind == Selector::Kind::name) {
    if (!node.is_object()) return nullptr;
    const auto found = node.find(selector.name);
    return found == node.end() ? nullptr : &*found;
  }
  if (selector.kind == Selector::Kind::index && node.is_array()) {
    const auto length = static_cast<std::int64_t>(node.size());
    const std::int64_t index = selector.index >= 0 ? selector.index : length + selector.index;
    if (index >= 0 && index < length) return &node[static_cast<std::size_t>(index)];
  }
  return nullptr;
}

}  // namespace orchestrator::language
