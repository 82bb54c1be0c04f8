#include "orchestrator/model/queue_limits.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

Json to_json(const RateLimit& rate) { return {{"count", rate.count}, {"per_seconds", rate.per_seconds}}; }

std::optional<std::int64_t> number_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::optional<RateLimit> rate_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_object()) return std::nullopt;
  const auto count = number_in(*found, "count");
  const auto per_seconds = number_in(*found, "per_seconds");
  if (!count || !per_seconds || *count < 1 || *per_seconds < 1) return std::nullopt;
  return RateLimit{.count = *count, .per_seconds = *per_seconds};
}

}  // namespace

Json to_json(const QueueLimits& limits) {
  Json object = Json::object();
  if (limits.max_in_flight) object["max_in_flight"] = *limits.max_in_flight;
  if (limits.concurrency_per_key) object["concurrency_per_key"] = *limits.concurrency_per_key;
  if (limits.rate_per_key) object["rate_per_key"] = to_json(*limits.rate_per_key);
  if (limits.rate) object["rate"] = to_json(*limits.rate);
  if (limits.weight) object["weight"] = *limits.weight;
  return object;
}

Result<QueueLimits> queue_limits_from(const Json& object) {
  if (!object.is_object()) return fail(ErrorCode::invalid_argument, "the limits of a queue are an object");
  QueueLimits limits;
  limits.max_in_flight = number_in(object, "max_in_flight");
  limits.concurrency_per_key = number_in(object, "concurrency_per_key");
  limits.rate_per_key = rate_in(object, "rate_per_key");
  limits.rate = rate_in(object, "rate");
  limits.weight = number_in(object, "weight");
  return limits;
}

}  // namespace orchestrator
