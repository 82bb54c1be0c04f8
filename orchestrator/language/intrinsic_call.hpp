#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::language {

struct Scope;  // evaluate.hpp

enum class Intrinsic : std::uint8_t {
  format,
  string_to_json,
  json_to_string,
  array,
  array_partition,
  array_contains,
  array_range,
  array_get_item,
  array_length,
  array_unique,
  base64_encode,
  base64_decode,
  hash,
  json_merge,
  math_random,
  math_add,
  string_split,
  uuid,
  time_add,         ///< Orchestrator.TimeAdd(time, seconds)
  seconds_between,  ///< Orchestrator.SecondsBetween(from, to): `to` minus `from`, in seconds
};

struct IntrinsicCall;

/// A constant. Texts keep how they were written, because States.Format tells `{}` from `\{\}`.
struct IntrinsicLiteral {
  Payload value;
  std::string written;  ///< texts: between the quotes, escapes unresolved
};

/// Calls are shared because compiled templates are copied with the states that hold them.
using IntrinsicArgument = std::variant<IntrinsicLiteral, Path, std::shared_ptr<const IntrinsicCall>>;

/// A compiled `States.Name(...)` or `Orchestrator.Name(...)`.
struct IntrinsicCall {
  Intrinsic function = Intrinsic::format;
  std::string text;  ///< as written
  std::vector<IntrinsicArgument> arguments;
};

/// Reads a call; the number of arguments is checked too. invalid_argument with a sentence.
Result<IntrinsicCall> parse_intrinsic(std::string_view text);

/// Calls it. States.IntrinsicFailure when an argument is wrong, States.Runtime when a path finds nothing.
Result<Json> call_intrinsic(const IntrinsicCall& call, const Scope& scope);

}  // namespace orchestrator::language
