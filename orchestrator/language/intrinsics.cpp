#include "orchestrator/base/json.hpp"
#include "orchestrator/language/failures.hpp"
#include "orchestrator/language/intrinsic_functions.hpp"
#include "orchestrator/language/lookup.hpp"

namespace orchestrator::language {
namespace {

Result<Json> argument_value(const IntrinsicCall& call, const IntrinsicArgument& argument, const Scope& scope) {
  if (const auto* literal = std::get_if<IntrinsicLiteral>(&argument)) return json_of(literal->value);
  if (const auto* inner = std::get_if<std::shared_ptr<const IntrinsicCall>>(&argument))
    return call_intrinsic(**inner, scope);

  const Path& path = std::get<Path>(argument);
  Result<std::optional<Json>> found = look_up(path, scope);
  if (!found) return std::move(found).error();
  if (*found) return **std::move(found);
  const Result<const Json*> root = root_of(path, scope);
  if (!root) return root.error();
  return runtime_failure("The function '" + call.text +
                         "' had the following error: The JsonPath argument for the field '" + path.text() +
                         "' could not be found in the input '" + quote_value(**root) + "'");
}

Result<Json> perform(const IntrinsicArguments& arguments) {
  switch (arguments.call.function) {
    case Intrinsic::format: return format_text(arguments);
    case Intrinsic::string_to_json: return string_to_json(arguments);
    case Intrinsic::json_to_string: return json_to_string(arguments);
    case Intrinsic::array: return make_array(arguments);
    case Intrinsic::array_partition: return array_partition(arguments);
    case Intrinsic::array_contains: return array_contains(arguments);
    case Intrinsic::array_range: return array_range(arguments);
    case Intrinsic::array_get_item: return array_get_item(arguments);
    case Intrinsic::array_length: return array_length(arguments);
    case Intrinsic::array_unique: return array_unique(arguments);
    case Intrinsic::base64_encode: return base64_encode(arguments);
    case Intrinsic::base64_decode: return base64_decode(arguments);
    case Intrinsic::hash: return hash_text(arguments);
    case Intrinsic::json_merge: return json_merge(arguments);
    case Intrinsic::math_random: return math_random(arguments);
    case Intrinsic::math_add: return math_add(arguments);
    case Intrinsic::string_split: return string_split(arguments);
    case Intrinsic::uuid: return make_uuid(arguments);
    case Intrinsic::time_add: return time_add(arguments);
    case Intrinsic::seconds_between: return seconds_between(arguments);
  }
  return wrong_argument("unknown function");
}

}  // namespace

Unexpected wrong_argument(std::string why) { return fail(ErrorCode::precondition_failed, std::move(why)); }

Result<Json> call_intrinsic(const IntrinsicCall& call, const Scope& scope) {
  IntrinsicArguments arguments{.call = call, .values = {}, .scope = scope};
  for (const IntrinsicArgument& argument : call.arguments) {
    Result<Json> value = argument_value(call, argument, scope);
    if (!value) return value;
    arguments.values.push_back(*std::move(value));
  }
  Result<Json> result = perform(arguments);
  if (!result) return intrinsic_failure(call.text, result.error().message);
  return result;
}

}  // namespace orchestrator::language
