#pragma once

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/language/definition.hpp"

namespace orchestrator::language {

enum class Severity : std::uint8_t { error, warning };

/// One finding about a definition, with the JSON pointer of the faulty place.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;      ///< SCREAMING_SNAKE word for programs, e.g. MISSING_TRANSITION_TARGET
  std::string location;  ///< RFC 6901 pointer, e.g. /States/Pay/Next
  std::string message;
};

struct ParseOptions {
  bool express = false;  ///< --type EXPRESS
  /// Deploying: refuse resources that cannot be routed here. Validation and simulation accept any URI.
  bool must_be_routable = false;
};

struct ParsedDefinition {
  DefinitionPtr definition;  ///< null when there is any error
  std::vector<Diagnostic> diagnostics;

  [[nodiscard]] bool valid() const { return definition != nullptr; }
};

/// Checks a definition and compiles it. Reports every fault at once. Never throws.
ParsedDefinition parse_definition(const Json& source, const ParseOptions& options);

/// Parses a `Resource` text alone.
Result<Resource> parse_resource(std::string_view text);

}  // namespace orchestrator::language
