#include <algorithm>
#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/intrinsic_functions.hpp"
#include "orchestrator/language/json_compare.hpp"
#include "orchestrator/language/limits.hpp"

namespace orchestrator::language {
namespace {

Unexpected not_an_array(const Json& value) {
  return wrong_argument("The first argument must be an array, but was: " + std::string(value.type_name()));
}

}  // namespace

Result<Json> make_array(const IntrinsicArguments& arguments) {
  Json array = Json::array();
  for (const Json& value : arguments.values) array.push_back(value);
  return array;
}

Result<Json> array_partition(const IntrinsicArguments& arguments) {
  const Json& array = arguments.values[0];
  if (!array.is_array()) return not_an_array(array);
  const Result<std::int64_t> size = rounded(arguments.values[1]);
  if (!size) return size.error();
  if (*size <= 0) return wrong_argument("The chunk size must be a positive integer");

  Json chunks = Json::array();
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i % static_cast<std::size_t>(*size) == 0) chunks.push_back(Json::array());
    chunks.back().push_back(array[i]);
  }
  return chunks;
}

Result<Json> array_contains(const IntrinsicArguments& arguments) {
  const Json& array = arguments.values[0];
  if (!array.is_array()) return not_an_array(array);
  const Json& wanted = arguments.values[1];
  return Json(std::ranges::any_of(array, [&](const Json& element) { return equal_values(element, wanted); }));
}

Result<Json> array_range(const IntrinsicArguments& arguments) {
  const Result<std::int64_t> first = rounded(arguments.values[0]);
  if (!first) return first.error();
  const Result<std::int64_t> last = rounded(arguments.values[1]);
  if (!last) return last.error();
  const Result<std::int64_t> step = rounded(arguments.values[2]);
  if (!step) return step.error();
  if (*step == 0) return wrong_argument("The increment must not be zero");

  Json range = Json::array();
  std::int64_t value = *first;
  while (*step > 0 ? value <= *last : value >= *last) {
    if (range.size() == kMaxRangeElements) {
      return wrong_argument("The range has more than " + std::to_string(kMaxRangeElements) + " elements");
    }
    range.push_back(value);
    if (__builtin_add_overflow(value, *step, &value)) break;
  }
  return range;
}

Result<Json> array_get_item(const IntrinsicArguments& arguments) {
  const Json& array = arguments.values[0];
  if (!array.is_array()) return not_an_array(array);
  const Result<std::int64_t> index = rounded(arguments.values[1]);
  if (!index) return index.error();
  if (*index < 0 || static_cast<std::uint64_t>(*index) >= array.size()) {
    return wrong_argument("The index " + std::to_string(*index) + " is outside of the array, which has " +
                          std::to_string(array.size()) + " elements");
  }
  return Json(array[static_cast<std::size_t>(*index)]);
}

Result<Json> array_length(const IntrinsicArguments& arguments) {
  const Json& array = arguments.values[0];
  if (!array.is_array()) return not_an_array(array);
  return Json(array.size());
}

Result<Json> array_unique(const IntrinsicArguments& arguments) {
  const Json& array = arguments.values[0];
  if (!array.is_array()) return not_an_array(array);
  const auto by_value = [](const Json* left, const Json* right) { return *left < *right; };
  std::set<const Json*, decltype(by_value)> seen(by_value);
  Json unique = Json::array();
  for (const Json& element : array) {
    if (seen.insert(&element).second) unique.push_back(element);
  }
  return unique;
}

Result<Json> json_merge(const IntrinsicArguments& arguments) {
  const Json& first = arguments.values[0];
  const Json& second = arguments.values[1];
  if (!first.is_object() || !second.is_object()) return wrong_argument("The first two arguments must be objects");
  if (!arguments.values[2].is_boolean()) return wrong_argument("The third argument must be a boolean");
  if (arguments.values[2].get<bool>())
    return wrong_argument("Only shallow merging is supported: the third argument must be false");
  Json merged = first;
  merged.update(second);
  return merged;
}

}  // namespace orchestrator::language
