#include <algorithm>
#include <charconv>
#include <optional>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/intrinsic_call.hpp"
#include "orchestrator/language/limits.hpp"

namespace orchestrator::language {
namespace {

struct Signature {
  std::string_view name;
  Intrinsic function;
  std::size_t least;
  std::size_t most;
};

constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);

constexpr Signature kSignatures[] = {
    {"States.Format", Intrinsic::format, 1, kAnyNumber},
    {"States.StringToJson", Intrinsic::string_to_json, 1, 1},
    {"States.JsonToString", Intrinsic::json_to_string, 1, 1},
    {"States.Array", Intrinsic::array, 0, kAnyNumber},
    {"States.ArrayPartition", Intrinsic::array_partition, 2, 2},
    {"States.ArrayContains", Intrinsic::array_contains, 2, 2},
    {"States.ArrayRange", Intrinsic::array_range, 3, 3},
    {"States.ArrayGetItem", Intrinsic::array_get_item, 2, 2},
    {"States.ArrayLength", Intrinsic::array_length, 1, 1},
    {"States.ArrayUnique", Intrinsic::array_unique, 1, 1},
    {"States.Base64Encode", Intrinsic::base64_encode, 1, 1},
    {"States.Base64Decode", Intrinsic::base64_decode, 1, 1},
    {"States.Hash", Intrinsic::hash, 2, 2},
    {"States.JsonMerge", Intrinsic::json_merge, 3, 3},
    {"States.MathRandom", Intrinsic::math_random, 2, 3},
    {"States.MathAdd", Intrinsic::math_add, 2, 2},
    {"States.StringSplit", Intrinsic::string_split, 2, 2},
    {"States.UUID", Intrinsic::uuid, 0, 0},
    {"Orchestrator.TimeAdd", Intrinsic::time_add, 2, 2},
    {"Orchestrator.SecondsBetween", Intrinsic::seconds_between, 2, 2},
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class IntrinsicParser {
 public:
  explicit IntrinsicParser(std::string_view text) : text_(text) {}

  Result<IntrinsicCall> parse() {
    if (text_.size() > kMaxExpressionBytes)
      return refused("is longer than " + std::to_string(kMaxExpressionBytes) + " bytes");
    skip_blanks();
    IntrinsicCall call;
    if (!parse_call(call, 1)) return refused(error_);
    skip_blanks();
    if (at_ < text_.size()) return refused("has unexpected text at character " + std::to_string(at_ + 1));
    return call;
  }

 private:
  Unexpected refused(const std::string& why) const {
    return fail(ErrorCode::invalid_argument, "the intrinsic call '" + std::string(text_.substr(0, 200)) + "' " + why);
  }

  bool wrong(const std::string& why) {
    if (error_.empty()) error_ = why + " at character " + std::to_string(at_ + 1);
    return false;
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool parse_call(IntrinsicCall& call, int nesting) {
    if (nesting > kMaxIntrinsicNesting) {
      return wrong("nests more than " + std::to_string(kMaxIntrinsicNesting) + " calls");
    }
    const std::size_t from = at_;
    const std::string_view name = take_word();
    const auto* const signature = std::ranges::find(kSignatures, name, &Signature::name);
    if (signature == std::end(kSignatures)) {
      at_ = from;
      return wrong(name.empty() ? "needs the name of an intrinsic function"
                                : "names an unknown intrinsic function '" + std::string(name) + "'");
    }
    call.function = signature->function;
    skip_blanks();
    if (!take('(')) return wrong("needs '(' after the name of the function");
    if (!parse_arguments(call, nesting)) return false;
    if (call.arguments.size() < signature->least || call.arguments.size() > signature->most) {
      return wrong("passes " + std::to_string(call.arguments.size()) + " arguments to " + std::string(name) +
                   ", which takes " + describe_count(*signature));
    }
    call.text = std::string(text_.substr(from, at_ - from));
    return true;
  }

  static std::string describe_count(const Signature& signature) {
    if (signature.most == kAnyNumber) return "at least " + std::to_string(signature.least);
    if (signature.least == signature.most) return std::to_string(signature.least);
    return std::to_string(signature.least) + " or " + std::to_string(signature.most);
  }

  std::string_view take_word() {
    const std::size_t from = at_;
    const auto belongs = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    };
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  bool parse_arguments(IntrinsicCall& call, int nesting) {
    skip_blanks();
    if (take(')')) return true;
    do {
      skip_blanks();
      if (!parse_argument(call, nesting)) return false;
      skip_blanks();
    } while (take(','));
    return take(')') || wrong("needs ',' or ')'");
  }

  bool parse_argument(IntrinsicCall& call, int nesting) {
    const char c = peek();
    if (c == '\'') return parse_text(call);
    if (c == '$') return parse_path_argument(call);
    if (c == '-' || (c >= '0' && c <= '9')) return parse_number(call);
    const std::size_t from = at_;
    const std::string_view word = take_word();
    if (word == "true" || word == "false" || word == "null") {
      call.arguments.emplace_back(
          IntrinsicLiteral{.value = make_payload(word == "null" ? Json(nullptr) : Json(word == "true"))});
      return true;
    }
    at_ = from;
    if (word.find('.') == std::string_view::npos)
      return wrong("needs a quoted text, number, path or call as an argument");
    IntrinsicCall inner;
    if (!parse_call(inner, nesting + 1)) return false;
    call.arguments.emplace_back(std::make_shared<const IntrinsicCall>(std::move(inner)));
    return true;
  }

  bool parse_text(IntrinsicCall& call) {
    ++at_;
    const std::size_t from = at_;
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\'') {
        IntrinsicLiteral literal{.value = make_payload(std::move(value)),
                                 .written = std::string(text_.substr(from, at_ - from))};
        call.arguments.emplace_back(std::move(literal));
        ++at_;
        return true;
      }
      ++at_;
      if (c != '\\') {
        value += c;
        continue;
      }
      const char escaped = peek();
      if (std::string_view("'{}\\").find(escaped) == std::string_view::npos || escaped == '\0') {
        return wrong("has an unknown escape in a text; only \\', \\{, \\} and \\\\ are known");
      }
      value += escaped;
      ++at_;
    }
    return wrong("has a text without an end");
  }

  bool parse_number(IntrinsicCall& call) {
    const std::size_t from = at_;
    while (at_ < text_.size() && std::string_view("+-.eE0123456789").find(text_[at_]) != std::string_view::npos) ++at_;
    Result<Json> number = parse_json(text_.substr(from, at_ - from));
    if (!number) {
      at_ = from;
      return wrong("has a malformed number");
    }
    call.arguments.emplace_back(IntrinsicLiteral{.value = make_payload(*std::move(number))});
    return true;
  }

  /// A path ends at the first `,` or `)` outside its own brackets and quotes.
  bool parse_path_argument(IntrinsicCall& call) {
    const std::size_t from = at_;
    int depth = 0;
    char quote = '\0';
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != '\0') {
        if (c == '\\')
          ++at_;
        else if (c == quote)
          quote = '\0';
      } else if (depth > 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == '[' || c == '(') {
        ++depth;
      } else if (depth > 0 && (c == ']' || c == ')')) {
        --depth;
      } else if (depth == 0 && (c == ',' || c == ')')) {
        break;
      }
    }
    at_ = std::min(at_, text_.size());
    std::string_view written = text_.substr(from, at_ - from);
    while (!written.empty() && is_blank(written.back())) written.remove_suffix(1);
    Result<Path> path = Path::parse(written);
    if (!path) {
      at_ = from;
      return wrong("has a malformed argument (" + path.error().message + ")");
    }
    call.arguments.emplace_back(*std::move(path));
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string error_;
};

}  // namespace

Result<IntrinsicCall> parse_intrinsic(std::string_view text) { return IntrinsicParser(text).parse(); }

}  // namespace orchestrator::language
