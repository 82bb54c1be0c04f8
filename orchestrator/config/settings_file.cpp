#include "orchestrator/config/settings_file.hpp"

#include <toml++/toml.h>

#include <fstream>
#include <optional>
#include <string_view>

namespace orchestrator::config {
namespace {

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::invalid_argument, "cannot open " + path);
  std::string text(kMaxSettingsFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail(ErrorCode::invalid_argument, "cannot read " + path);
  if (text.size() > kMaxSettingsFileBytes) {
    return fail(ErrorCode::invalid_argument,
                path + " is longer than " + std::to_string(kMaxSettingsFileBytes) + " bytes");
  }
  return text;
}

Result<toml::table> parse_table(const std::string& path, std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& problem) {
    return fail(ErrorCode::invalid_argument, path + " line " + std::to_string(problem.source().begin.line) + ": " +
                                                 std::string{problem.description()});
  }
}

std::optional<std::string> to_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return std::string{flag->get() ? "true" : "false"};
  if (const auto* list = node.as_array()) {
    std::string joined;
    for (const toml::node& item : *list) {
      const auto* word = item.as_string();
      if (word == nullptr) return std::nullopt;
      if (!joined.empty()) joined += ',';
      joined += word->get();
    }
    return joined;
  }
  return std::nullopt;
}

}  // namespace

Result<std::map<std::string, std::string>> read_settings_file(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return text.error();
  const auto table = parse_table(path, *text);
  if (!table) return table.error();
  std::map<std::string, std::string> values;
  for (const auto& [key, node] : *table) {
    const std::string name{key.str()};
    auto value = to_text(node);
    if (!value) {
      return fail(ErrorCode::invalid_argument,
                  path + ": \"" + name + "\" must be a string, a whole number, a boolean or a list of strings");
    }
    values.emplace(name, *std::move(value));
  }
  return values;
}

Result<std::string> read_secret_file(const std::string& path) {
  auto text = read_text(path);
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(ErrorCode::invalid_argument, path + " is empty");
  return text;
}

}  // namespace orchestrator::config
