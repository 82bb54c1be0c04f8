#pragma once

#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::yaml {

/// Reads one YAML document as JSON. Plain scalars follow the core schema of YAML 1.2 (`yes` and `2026-01-31` are
/// texts), quoted ones stay texts, integers of 64 bits stay exact. invalid_argument with line and column when it is not
/// YAML, repeats a key, holds what JSON has no word for (.inf, binary), or grows beyond kMaxJsonDepth or
/// kMaxYamlNodes.
Result<Json> parse(const std::string& text);

/// Values of one document with its aliases expanded, which is where a small text can become a large value.
inline constexpr int kMaxYamlNodes = 200'000;

}  // namespace orchestrator::yaml
