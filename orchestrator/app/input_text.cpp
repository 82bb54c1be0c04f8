#include "orchestrator/app/input_text.hpp"

#include <fstream>
#include <iostream>

#include "orchestrator/base/json.hpp"
#include "orchestrator/yaml/yaml.hpp"

namespace orchestrator::app {
namespace {

Result<std::string> read_all(std::istream& stream, const std::string& name) {
  std::string text;
  std::string piece(65'536, '\0');
  while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())) || stream.gcount() > 0) {
    text.append(piece, 0, static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kMaxInputFileBytes) {
      return fail(ErrorCode::invalid_argument,
                  name + " is longer than " + std::to_string(kMaxInputFileBytes) + " bytes");
    }
  }
  if (stream.bad()) return fail(ErrorCode::invalid_argument, "cannot read " + name);
  return text;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  if (path == "-") return read_all(std::cin, "standard input");
  std::ifstream file(path, std::ios::binary);
  // Opening a folder succeeds; reading it does not.
  if (!file || file.peek() == std::ifstream::traits_type::eof()) {
    if (!file.eof() || !file.is_open()) return fail(ErrorCode::invalid_argument, "cannot read " + path);
    file.clear();
  }
  return read_all(file, path);
}

bool is_yaml_name(const std::string& path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

Result<Json> read_document(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return text.error();
  auto document = is_yaml_name(path) ? yaml::parse(*text) : parse_json(*text);
  if (!document) return fail(ErrorCode::invalid_argument, path + ": " + document.error().message);
  return document;
}

Result<Json> read_json_argument(const std::string& argument) {
  if (argument == "-" || argument.starts_with('@')) {
    return read_document(argument == "-" ? argument : argument.substr(1));
  }
  auto value = parse_json(argument);
  if (!value) {
    return fail(ErrorCode::invalid_argument,
                "not a JSON value: " + value.error().message + " (texts need quotes; @FILE reads a file)");
  }
  return value;
}

}  // namespace orchestrator::app
