#pragma once

#include <map>
#include <string>

#include "orchestrator/base/result.hpp"

namespace orchestrator::config {

/// Largest settings or secret file that is read.
inline constexpr std::size_t kMaxSettingsFileBytes = 65'536;

/// The top-level values of a TOML file as text: strings as they are, numbers and booleans in their TOML spelling, an
/// array of strings joined by commas. invalid_argument names the file and line when it cannot be read.
Result<std::map<std::string, std::string>> read_settings_file(const std::string& path);

/// A secret's file without the line end that editors add. invalid_argument when it cannot be read or is empty.
Result<std::string> read_secret_file(const std::string& path);

}  // namespace orchestrator::config
