#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

// Instantiated once in json.cpp; every other file would otherwise compile the same functions again.
extern template class nlohmann::basic_json<>;

namespace orchestrator {

/// Deepest nesting that is accepted from outside. Source: docs/operations/limits.md.
inline constexpr int kMaxJsonDepth = 100;

/// Parses one JSON text. invalid_argument ("malformed-json") on a syntax error, invalid UTF-8, text after the value,
/// or nesting beyond kMaxJsonDepth. Integers within 64 bits stay exact.
Result<Json> parse_json(std::string_view text);

/// Compact text. Invalid UTF-8 inside strings (which parse_json never lets in) is replaced.
std::string dump_json(const Json& value);

inline Payload make_payload(Json value) { return std::make_shared<const Json>(std::move(value)); }

/// The value behind a payload, or JSON null for "none".
const Json& json_of(const Payload& payload);

/// The text as a database column can hold it: NUL and invalid UTF-8 become U+FFFD. For words that come from outside and
/// are kept beside JSON, such as the cause that a handler gives.
std::string storable_text(std::string text);

/// A string member, or `fallback` when it is absent or not a string.
std::string string_member(const Json& object, const char* name, std::string fallback = {});

}  // namespace orchestrator
