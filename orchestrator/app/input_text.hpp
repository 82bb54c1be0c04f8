#pragma once

#include <cstddef>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::app {

/// Largest file that a verb reads: the largest batch body.
inline constexpr std::size_t kMaxInputFileBytes = 64 * 1'048'576;

/// The content of a file, or of standard input for "-". invalid_argument names the file.
Result<std::string> read_text_file(const std::string& path);

/// A file as JSON; names ending in .yaml or .yml are read as YAML. invalid_argument names the file.
Result<Json> read_document(const std::string& path);
bool is_yaml_name(const std::string& path);

/// A JSON value as given on a command line: the text itself, `@FILE`, or `-` for standard input.
Result<Json> read_json_argument(const std::string& argument);

}  // namespace orchestrator::app
