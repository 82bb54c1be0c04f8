#pragma once

#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/language/intrinsic_call.hpp"

/// The bodies of the intrinsic functions, behind call_intrinsic. Their errors carry only the reason; the caller adds
/// which call it was.
namespace orchestrator::language {

/// The evaluated arguments of one call; the parser has checked their number.
struct IntrinsicArguments {
  const IntrinsicCall& call;
  std::vector<Json> values;
  const Scope& scope;
};

Unexpected wrong_argument(std::string why);

/// A number argument as an integer: half a unit and more goes up, so 1.5 is 2 and -2.5 is -2.
Result<std::int64_t> rounded(const Json& value);

// intrinsics_text.cpp
Result<Json> format_text(const IntrinsicArguments& arguments);
Result<Json> string_to_json(const IntrinsicArguments& arguments);
Result<Json> json_to_string(const IntrinsicArguments& arguments);
Result<Json> string_split(const IntrinsicArguments& arguments);
Result<Json> base64_encode(const IntrinsicArguments& arguments);
Result<Json> base64_decode(const IntrinsicArguments& arguments);
Result<Json> hash_text(const IntrinsicArguments& arguments);

// intrinsics_array.cpp
Result<Json> make_array(const IntrinsicArguments& arguments);
Result<Json> array_partition(const IntrinsicArguments& arguments);
Result<Json> array_contains(const IntrinsicArguments& arguments);
Result<Json> array_range(const IntrinsicArguments& arguments);
Result<Json> array_get_item(const IntrinsicArguments& arguments);
Result<Json> array_length(const IntrinsicArguments& arguments);
Result<Json> array_unique(const IntrinsicArguments& arguments);
Result<Json> json_merge(const IntrinsicArguments& arguments);

// intrinsics_number.cpp
Result<Json> math_random(const IntrinsicArguments& arguments);
Result<Json> math_add(const IntrinsicArguments& arguments);
Result<Json> make_uuid(const IntrinsicArguments& arguments);
Result<Json> time_add(const IntrinsicArguments& arguments);
Result<Json> seconds_between(const IntrinsicArguments& arguments);

}  // namespace orchestrator::language
