#include "orchestrator/language/path_parser.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/iregexp.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/path_scanner.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

/// Recursive descent over RFC 9535's grammar. The first fault is kept in `error_`; functions then answer
/// false.
class PathParser : private PathScanner {
 public:
  PathParser(std::string_view text, PathDialect dialect) : PathScanner(text), dialect_(dialect) {}

  Result<ParsedPath> parse() {
    if (text_.size() > kMaxExpressionBytes)
      return refused("is longer than " + std::to_string(kMaxExpressionBytes) + " bytes");
    for (std::size_t at = 0; at < text_.size();) {
      if (!next_code_point(text_, at)) return refused("is not UTF-8");
    }
    ParsedPath path;
    if (!take('$')) return refused("must begin with '$'");
    if (dialect_ == PathDialect::states) parse_root(path);
    if (!parse_segments(path.segments)) return refused(error_);
    if (at_ < text_.size()) return refused("has unexpected text at character " + std::to_string(at_ + 1));
    return path;
  }

 private:
  Unexpected refused(const std::string& why) const {
    return fail(ErrorCode::invalid_argument, "the JSONPath '" + std::string(text_.substr(0, 200)) + "' " + why);
  }

  /// `$$` is the context object, `$name` a variable.
  void parse_root(ParsedPath& path) {
    if (take('$')) {
      path.root = Path::Root::context;
    } else if (!at_end() && starts_name(peek())) {
      path.root = Path::Root::variable;
      path.variable = take_name_characters();
    }
  }

  bool parse_segments(std::vector<PathSegment>& segments) {
    while (true) {
      const std::size_t before = at_;
      skip_blanks();
      if (peek() != '.' && peek() != '[') {
        at_ = before;  // Blanks belong to the path only in front of a segment.
        return true;
      }
      PathSegment segment;
      if (!parse_segment(segment)) return false;
      segments.push_back(std::move(segment));
    }
  }

  bool parse_segment(PathSegment& segment) {
    if (peek() == '[') return parse_brackets(segment.selectors);
    ++at_;
    if (take('.')) segment.descendant = true;
    if (take('*')) {
      segment.selectors.push_back(Selector{.kind = Selector::Kind::wildcard});
      return true;
    }
    // `$.['a']` is common in state machines, though not in the standard.
    if (peek() == '[' && (segment.descendant || dialect_ == PathDialect::states))
      return parse_brackets(segment.selectors);
    return parse_shorthand(segment.selectors);
  }

  /// The bare name behind a dot. State machines also use names such as `order-id` and `0` bare.
  bool parse_shorthand(std::vector<Selector>& selectors) {
    std::string name;
    if (dialect_ == PathDialect::states) {
      const std::size_t from = at_;
      while (!at_end() && (starts_name(peek()) || is_digit(peek()) || is_bare_symbol(peek()))) ++at_;
      name = std::string(text_.substr(from, at_ - from));
    } else if (!at_end() && starts_name(peek())) {
      name = take_name_characters();
    }
    if (name.empty()) return wrong("needs a name, '*' or '[' after a dot");
    selectors.push_back(Selector{.kind = Selector::Kind::name, .name = std::move(name)});
    return true;
  }

  static bool is_bare_symbol(char c) { return std::string_view("-:@#/+%$").find(c) != std::string_view::npos; }

  bool parse_brackets(std::vector<Selector>& selectors) {
    ++at_;
    do {
      skip_blanks();
      Selector selector;
      if (!parse_selector(selector)) return false;
      selectors.push_back(std::move(selector));
      skip_blanks();
    } while (take(','));
    return take(']') || wrong("needs ',' or ']'");
  }

  bool parse_selector(Selector& selector) {
    const char c = peek();
    if (c == '\'' || c == '"') {
      selector.kind = Selector::Kind::name;
      return parse_string(selector.name);
    }
    if (take('*')) {
      selector.kind = Selector::Kind::wildcard;
      return true;
    }
    if (take('?')) {
      skip_blanks();
      selector.kind = Selector::Kind::filter;
      auto expression = std::make_shared<FilterExpression>();
      if (!parse_any_of(*expression)) return false;
      selector.filter = std::move(expression);
      return true;
    }
    if (c == ':' || c == '-' || is_digit(c)) return parse_index_or_slice(selector);
    return wrong("needs a quoted name, an index, a slice, '*' or a filter in brackets");
  }

  bool parse_index_or_slice(Selector& selector) {
    std::optional<std::int64_t> first;
    if (!parse_optional_integer(first)) return false;
    const std::size_t after_first = at_;
    skip_blanks();
    if (!take(':')) {
      at_ = after_first;
      selector.kind = Selector::Kind::index;
      selector.index = first.value_or(0);
      return true;
    }
    selector.kind = Selector::Kind::slice;
    selector.start = first;
    skip_blanks();
    if (!parse_optional_integer(selector.end)) return false;
    const std::size_t after_end = at_;
    skip_blanks();
    if (!take(':')) {
      at_ = after_end;
      return true;
    }
    const std::size_t after_colon = at_;
    skip_blanks();
    std::optional<std::int64_t> step;
    if (!parse_optional_integer(step)) return false;
    if (!step) at_ = after_colon;
    selector.step = step.value_or(1);
    return true;
  }

  // Filters, weakest binding first.

  bool parse_any_of(FilterExpression& out) { return parse_chain(out, FilterExpression::Kind::any_of, "||"); }

  bool parse_chain(FilterExpression& out, FilterExpression::Kind kind, std::string_view sign) {
    if (++nesting_ > kMaxPathNesting)
      return wrong("is nested deeper than " + std::to_string(kMaxPathNesting) + " levels");
    std::vector<FilterExpression> parts;
    while (true) {
      FilterExpression part;
      const bool good = kind == FilterExpression::Kind::any_of ? parse_chain(part, FilterExpression::Kind::all_of, "&&")
                                                               : parse_basic(part);
      if (!good) return false;
      parts.push_back(std::move(part));
      const std::size_t before = at_;
      skip_blanks();
      if (!take(sign)) {
        at_ = before;
        break;
      }
      skip_blanks();
    }
    --nesting_;
    if (parts.size() == 1) {
      out = std::move(parts.front());
    } else {
      out.kind = kind;
      out.parts = std::move(parts);
    }
    return true;
  }

  bool parse_basic(FilterExpression& out) {
    if (take('!')) {
      skip_blanks();
      out.kind = FilterExpression::Kind::negation;
      FilterExpression inner;
      if (peek() == '(') {
        if (!parse_parentheses(inner)) return false;
      } else {
        FilterOperand operand;
        if (!parse_operand(operand) || !as_test(std::move(operand), inner)) return false;
      }
      out.parts.push_back(std::move(inner));
      return true;
    }
    if (peek() == '(') return parse_parentheses(out);

    FilterOperand left;
    if (!parse_operand(left)) return false;
    const std::size_t before = at_;
    skip_blanks();
    if (!take_comparison(out.comparison)) {
      at_ = before;
      return as_test(std::move(left), out);
    }
    skip_blanks();
    FilterOperand right;
    if (!parse_operand(right)) return false;
    if (!has_value_type(left) || !has_value_type(right)) {
      return wrong("compares something that is not a single value");
    }
    out.kind = FilterExpression::Kind::comparison;
    out.operands.push_back(std::move(left));
    out.operands.push_back(std::move(right));
    return true;
  }

  bool parse_parentheses(FilterExpression& out) {
    ++at_;
    skip_blanks();
    if (!parse_any_of(out)) return false;
    skip_blanks();
    return take(')') || wrong("needs ')'");
  }

  bool take_comparison(FilterExpression::Comparison& comparison) {
    using Comparison = FilterExpression::Comparison;
    if (take("=="))
      comparison = Comparison::equal;
    else if (take("!="))
      comparison = Comparison::not_equal;
    else if (take("<="))
      comparison = Comparison::less_or_equal;
    else if (take(">="))
      comparison = Comparison::greater_or_equal;
    else if (take("<"))
      comparison = Comparison::less;
    else if (take(">"))
      comparison = Comparison::greater;
    else
      return false;
    return true;
  }

  bool as_test(FilterOperand operand, FilterExpression& out) {
    const auto* function = std::get_if<FilterFunction>(&operand.content);
    const bool testable =
        function != nullptr ? !has_value_type(operand) : std::holds_alternative<FilterQuery>(operand.content);
    if (!testable) return wrong("needs a comparison: a value alone is neither true nor false");
    out.kind = FilterExpression::Kind::test;
    out.operands.push_back(std::move(operand));
    return true;
  }

  static bool has_value_type(const FilterOperand& operand) {
    if (const auto* query = std::get_if<FilterQuery>(&operand.content)) return query->singular;
    if (const auto* function = std::get_if<FilterFunction>(&operand.content)) {
      return function->kind != FilterFunction::Kind::match && function->kind != FilterFunction::Kind::search;
    }
    return true;
  }

  bool parse_operand(FilterOperand& operand) {
    const char c = peek();
    if (c == '@' || c == '$') return parse_query(operand);
    if (c == '\'' || c == '"') {
      std::string text;
      if (!parse_string(text)) return false;
      operand.content = make_payload(std::move(text));
      return true;
    }
    if (c == '-' || is_digit(c)) {
      Json number;
      if (!parse_number(number)) return false;
      operand.content = make_payload(std::move(number));
      return true;
    }
    if (is_lower(c)) return parse_word(operand);
    return wrong("needs '@', '$', a literal or a function");
  }

  bool parse_query(FilterOperand& operand) {
    FilterQuery query;
    query.from_root = text_[at_++] == '$';
    if (++nesting_ > kMaxPathNesting)
      return wrong("is nested deeper than " + std::to_string(kMaxPathNesting) + " levels");
    if (!parse_segments(query.segments)) return false;
    --nesting_;
    query.singular = is_singular(query.segments);
    operand.content = std::move(query);
    return true;
  }

  bool parse_word(FilterOperand& operand) {
    const std::size_t from = at_;
    while (is_lower(peek()) || is_digit(peek()) || peek() == '_') ++at_;
    const std::string_view word = text_.substr(from, at_ - from);
    if (peek() == '(') return parse_function(word, operand);
    if (word == "true" || word == "false") {
      operand.content = make_payload(Json(word == "true"));
    } else if (word == "null") {
      operand.content = make_payload(Json(nullptr));
    } else {
      at_ = from;
      return wrong("has an unknown word '" + std::string(word) + "'");
    }
    return true;
  }

  bool parse_function(std::string_view word, FilterOperand& operand) {
    using Kind = FilterFunction::Kind;
    FilterFunction function;
    if (word == "length")
      function.kind = Kind::length;
    else if (word == "count")
      function.kind = Kind::count;
    else if (word == "match")
      function.kind = Kind::match;
    else if (word == "search")
      function.kind = Kind::search;
    else if (word == "value")
      function.kind = Kind::value;
    else
      return wrong("calls an unknown function '" + std::string(word) + "'");

    ++at_;
    skip_blanks();
    if (!take(')')) {
      if (++nesting_ > kMaxPathNesting)
        return wrong("is nested deeper than " + std::to_string(kMaxPathNesting) + " levels");
      do {
        skip_blanks();
        FilterOperand argument;
        if (!parse_operand(argument)) return false;
        function.arguments.push_back(std::move(argument));
        skip_blanks();
      } while (take(','));
      if (!take(')')) return wrong("needs ',' or ')'");
      --nesting_;
    }
    if (!check_arguments(function)) return false;
    operand.content = std::move(function);
    return true;
  }

  /// The type rules of RFC 9535 section 2.4.3.
  bool check_arguments(FilterFunction& function) {
    using Kind = FilterFunction::Kind;
    const bool two = function.kind == Kind::match || function.kind == Kind::search;
    if (function.arguments.size() != (two ? 2U : 1U)) return wrong("calls a function with a wrong number of arguments");
    const bool wants_nodes = function.kind == Kind::count || function.kind == Kind::value;
    for (const FilterOperand& argument : function.arguments) {
      const bool good = wants_nodes ? std::holds_alternative<FilterQuery>(argument.content) : has_value_type(argument);
      if (!good) return wrong("calls a function with an argument of the wrong kind");
    }
    if (two) {
      if (const auto* literal = std::get_if<Payload>(&function.arguments[1].content);
          literal != nullptr && (*literal)->is_string()) {
        function.pattern = IRegexp::compile((*literal)->get_ref<const std::string&>());
      }
    }
    return true;
  }

  const PathDialect dialect_;
  int nesting_ = 0;
};

}  // namespace

bool is_singular(const std::vector<PathSegment>& segments) {
  for (const PathSegment& segment : segments) {
    if (segment.descendant || segment.selectors.size() != 1) return false;
    const Selector::Kind kind = segment.selectors.front().kind;
    if (kind != Selector::Kind::name && kind != Selector::Kind::index) return false;
  }
  return true;
}

Result<ParsedPath> parse_path(std::string_view text, PathDialect dialect) { return PathParser(text, dialect).parse(); }

}  // namespace orchestrator::language
