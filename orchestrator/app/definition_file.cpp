#include "orchestrator/app/definition_file.hpp"

#include <array>
#include <filesystem>

namespace orchestrator::app {
namespace {

// Longest first: .json alone would leave ".asl" on the name.
constexpr std::array kDefinitionEndings = {".asl.json", ".asl.yaml", ".asl.yml"};
constexpr std::array kOtherEndings = {".json", ".yaml", ".yml"};

}  // namespace

bool is_definition_name(const std::string& path) {
  for (const char* ending : kDefinitionEndings) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

std::string workflow_name_of(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  const auto without = [&name](const auto& endings) -> std::string {
    for (const std::string ending : endings) {
      if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
    }
    return {};
  };
  const std::string definition = without(kDefinitionEndings);
  if (!definition.empty()) return definition;
  const std::string other = without(kOtherEndings);
  return other.empty() ? name : other;
}

}  // namespace orchestrator::app
