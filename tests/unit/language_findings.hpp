#pragma once

#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::language {

/// "CODE /pointer" of every finding, warnings with "warning " in front; in the order of the report.
inline std::vector<std::string> findings(const std::string& definition, ParseOptions options = {}) {
  std::vector<std::string> list;
  for (const Diagnostic& diagnostic : parse_definition(*parse_json(definition), options).diagnostics) {
    const std::string severity = diagnostic.severity == Severity::warning ? "warning " : "";
    list.push_back(severity + diagnostic.code + " " + diagnostic.location);
  }
  return list;
}

/// A definition with the state `S`, made of `fields`, and a Succeed state `Done` that `S` reaches.
inline std::string with_state(const std::string& fields, const std::string& next = R"("Next":"Done",)") {
  return R"({"StartAt":"S","States":{"S":{)" + next + fields + R"(},"Done":{"Type":"Succeed"}}})";
}

/// The messages of all findings, one per line.
inline std::string messages(const std::string& definition, ParseOptions options = {}) {
  std::string text;
  for (const Diagnostic& diagnostic : parse_definition(*parse_json(definition), options).diagnostics) {
    text += diagnostic.message + "\n";
  }
  return text;
}

}  // namespace orchestrator::language
