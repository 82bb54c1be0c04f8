#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/base64.hpp"
#include "orchestrator/language/intrinsic_functions.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

/// How States.Format prints an argument: texts bare, objects as `{Key=value, List=[]}`, everything else as JSON.
void print(const Json& value, std::string& out) {
  if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else if (value.is_object()) {
    out += '{';
    for (auto member = value.begin(); member != value.end(); ++member) {
      if (member != value.begin()) out += ", ";
      out += member.key();
      out += '=';
      print(member.value(), out);
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ", ";
      print(value[i], out);
    }
    out += ']';
  } else {
    out += dump_json(value);
  }
}

Result<std::string> limited_text(const Json& value) {
  if (!value.is_string())
    return wrong_argument("The argument must be a string, but was: " + std::string(value.type_name()));
  const auto& text = value.get_ref<const std::string&>();
  if (count_code_points(text) > kMaxIntrinsicTextCharacters) {
    return wrong_argument("The argument is longer than " + std::to_string(kMaxIntrinsicTextCharacters) + " characters");
  }
  return text;
}

}  // namespace

Result<Json> format_text(const IntrinsicArguments& arguments) {
  if (!arguments.values.front().is_string()) return wrong_argument("The first argument must be a string");
  // A literal is read as written: its `\{` is a brace, not the beginning of `{}`.
  const auto* literal = std::get_if<IntrinsicLiteral>(&arguments.call.arguments.front());
  const std::string pattern =
      literal != nullptr ? literal->written : arguments.values.front().get_ref<const std::string&>();

  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char following = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\' && following != '\0' && std::string_view("'{}\\").find(following) != std::string_view::npos) {
      out += following;
      ++i;
    } else if (c == '{' && following == '}') {
      if (++used >= arguments.values.size()) return wrong_argument("There are more occurrences of {} than arguments");
      print(arguments.values[used], out);
      ++i;
    } else if (c == '{' || c == '}') {
      return wrong_argument("The braces of the template do not match; write \\{ and \\} for braces that stay");
    } else {
      out += c;
    }
    if (out.size() > kMaxFormattedBytes)
      return wrong_argument("The result is longer than " + std::to_string(kMaxFormattedBytes) + " bytes");
  }
  if (used + 1 != arguments.values.size()) return wrong_argument("There are more arguments than occurrences of {}");
  return Json(std::move(out));
}

Result<Json> string_to_json(const IntrinsicArguments& arguments) {
  const Json& value = arguments.values.front();
  if (!value.is_string())
    return wrong_argument("The argument must be a string, but was: " + std::string(value.type_name()));
  const auto& text = value.get_ref<const std::string&>();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Json(nullptr);
  Result<Json> parsed = parse_json(text);
  if (!parsed) return wrong_argument(parsed.error().message);
  return parsed;
}

Result<Json> json_to_string(const IntrinsicArguments& arguments) { return Json(dump_json(arguments.values.front())); }

Result<Json> string_split(const IntrinsicArguments& arguments) {
  const Json& text = arguments.values[0];
  const Json& delimiters = arguments.values[1];
  if (!text.is_string() || !delimiters.is_string()) return wrong_argument("Both arguments must be strings");
  const std::u32string wanted = to_code_points(delimiters.get_ref<const std::string&>());

  Json pieces = Json::array();
  std::string piece;
  for (const char32_t c : to_code_points(text.get_ref<const std::string&>())) {
    if (wanted.find(c) == std::u32string::npos) {
      append_code_point(piece, c);
    } else if (!piece.empty()) {
      pieces.push_back(std::move(piece));
      piece.clear();
    }
  }
  if (!piece.empty()) pieces.push_back(std::move(piece));
  return pieces;
}

Result<Json> base64_encode(const IntrinsicArguments& arguments) {
  const Result<std::string> text = limited_text(arguments.values.front());
  if (!text) return text.error();
  return Json(to_base64(*text));
}

Result<Json> base64_decode(const IntrinsicArguments& arguments) {
  const Result<std::string> text = limited_text(arguments.values.front());
  if (!text) return text.error();
  const std::optional<std::string> bytes = from_base64(*text);
  if (!bytes) return wrong_argument("The argument is not valid Base64");
  // JSON holds text only: bytes that are not UTF-8 become U+FFFD.
  std::string decoded;
  for (const char32_t c : to_code_points(*bytes)) append_code_point(decoded, c);
  return Json(std::move(decoded));
}

Result<Json> hash_text(const IntrinsicArguments& arguments) {
  constexpr std::string_view kAlgorithms[] = {"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"};
  const Json& algorithm = arguments.values[1];
  if (!algorithm.is_string() ||
      std::ranges::find(kAlgorithms, algorithm.get_ref<const std::string&>()) == std::end(kAlgorithms)) {
    return wrong_argument("The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512");
  }
  const Json& value = arguments.values[0];
  const Result<std::string> text = limited_text(value.is_string() ? value : Json(dump_json(value)));
  if (!text) return text.error();
  const Functions* functions = arguments.scope.functions;
  if (functions == nullptr || !functions->hash) return wrong_argument("No digests are available here");

  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hexadecimal;
  for (const char byte : functions->hash(algorithm.get_ref<const std::string&>(), *text)) {
    hexadecimal += kDigits[static_cast<unsigned char>(byte) >> 4];
    hexadecimal += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return Json(std::move(hexadecimal));
}

}  // namespace orchestrator::language
