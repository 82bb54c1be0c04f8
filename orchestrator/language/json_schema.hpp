#pragma once

#include <cstddef>
#include <vector>

#include "orchestrator/base/error.hpp"
#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::language {

/// Faults of one value that a check reports; more are left out.
inline constexpr std::size_t kMaxSchemaFaults = 100;

/// What is wrong with `value` by the rules of `schema`; empty when nothing is. Pointers lead into `value`.
///
/// Understands the part of JSON Schema that forms need: `type` (also a list), `enum`, `const`, `required`,
/// `properties`, `additionalProperties`, `items`, `minItems`, `maxItems`, `minimum`, `maximum`, `exclusiveMinimum`,
/// `exclusiveMaximum`, `minLength`, `maxLength`, `pattern` (RFC 9485, found anywhere in the text), `anyOf`, `allOf`,
/// `not`. Other keywords, and known ones with a value of the wrong kind, constrain nothing. `true` and `false` are
/// schemas too. Source: JSON Schema 2020-12, validation vocabulary.
std::vector<FaultDetail> check_against_schema(const Json& value, const Json& schema);

}  // namespace orchestrator::language
