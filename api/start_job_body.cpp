#include "api/start_job_body.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/core/payload_size.hpp"

namespace orchestrator::api {
namespace {

constexpr double kMaxDelay = static_cast<double>(kMaxJobDelaySeconds);

service::OnConflict on_conflict_of(const std::optional<std::string>& text) {
  if (text == "replace") return service::OnConflict::cancel_existing;
  if (text == "reject") return service::OnConflict::reject;
  return service::OnConflict::return_existing;
}

void read_unique(ObjectReader& reader, service::StartRun& start, std::vector<FaultDetail>& faults) {
  Json unique = reader.object("unique");
  if (unique.is_null()) return;
  ObjectReader fields(unique, reader.pointer_to("unique"), faults);
  start.key = fields.required("key", fields.key("key"));
  start.job->unique_within_seconds = fields.integer("within_seconds", 1, kMaxJobDelaySeconds);
  start.on_conflict = on_conflict_of(fields.choice("on_conflict", {"return_existing", "replace", "reject"}));
  fields.finish();
}

/// Notes members that this kind of retry does not have: a policy that is not followed is worse than a refusal.
void refuse_members(ObjectReader& fields, std::initializer_list<const char*> names, const char* kind) {
  for (const char* name : names) {
    if (fields.has(name)) fields.fault(name, "invalid", "means nothing for a retry of kind " + std::string(kind));
  }
}

std::vector<double> read_delays(ObjectReader& fields, std::vector<FaultDetail>& faults) {
  std::vector<double> delays;
  const Json list = fields.array("delays_seconds");
  if (!fields.has("delays_seconds") && list.is_null()) fields.fault("delays_seconds", "missing", "is required");
  if (!list.is_array()) return delays;
  if (list.empty() || list.size() > kMaxJobRetryDelays) {
    fields.fault("delays_seconds", "out_of_range", "must have 1 to " + std::to_string(kMaxJobRetryDelays) + " items");
    return delays;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const double delay = list[i].is_number() ? list[i].get<double>() : -1;
    if (delay >= 0 && delay <= kMaxDelay) {
      delays.push_back(delay);
    } else {
      faults.push_back({.pointer = deeper_pointer(fields.pointer_to("delays_seconds"), std::to_string(i)),
                        .code = "out_of_range",
                        .message = "must be a number from 0 to " + std::to_string(kMaxJobDelaySeconds)});
    }
  }
  return delays;
}

JobRetry read_retry(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  JobRetry retry;
  Json object = reader.object("retry");
  if (object.is_null()) return retry;
  ObjectReader fields(object, reader.pointer_to("retry"), faults);
  if (const auto kind = fields.choice("kind", {"exponential", "fixed", "list"}))
    retry.kind = *parse_job_retry_kind(*kind);
  // Whoever writes delays down means them; backoff is spread so that failures together do not come back together.
  retry.full_jitter = retry.kind == JobRetryKind::exponential;
  if (const auto jitter = fields.choice("jitter", {"none", "full"})) retry.full_jitter = jitter == "full";
  const auto initial = fields.decimal("initial_seconds", 0, kMaxDelay);
  const auto factor = fields.decimal("factor", 1, kMaxJobRetryFactor);
  const auto longest = fields.decimal("max_seconds", 0, kMaxDelay);
  switch (retry.kind) {
    case JobRetryKind::exponential:
      refuse_members(fields, {"delays_seconds"}, "exponential");
      retry.initial_seconds = initial.value_or(retry.initial_seconds);
      retry.factor = factor.value_or(retry.factor);
      retry.max_seconds = longest.value_or(std::max(retry.max_seconds, retry.initial_seconds));
      if (retry.max_seconds < retry.initial_seconds) {
        fields.fault("max_seconds", "out_of_range", "must not be less than `initial_seconds`");
      }
      break;
    case JobRetryKind::fixed:
      refuse_members(fields, {"factor", "max_seconds", "delays_seconds"}, "fixed");
      retry.initial_seconds = initial.value_or(retry.initial_seconds);
      break;
    case JobRetryKind::list:
      refuse_members(fields, {"initial_seconds", "factor", "max_seconds"}, "list");
      retry.delays_seconds = read_delays(fields, faults);
      break;
  }
  // A known member, whatever the kind: where it does not fit that was noted above.
  if (retry.kind != JobRetryKind::list) static_cast<void>(fields.array("delays_seconds"));
  fields.finish();
  return retry;
}

/// What is routed by a key is on the shard of that key, and a job is on one shard.
void check_one_key(ObjectReader& reader, const service::StartRun& start, const JobSpec& spec) {
  const std::string* first = nullptr;
  if (start.key) first = &*start.key;
  for (const auto& [name, key] : std::initializer_list<std::pair<const char*, const std::string*>>{
           {"order_key", &spec.order_key}, {"concurrency_key", &spec.concurrency_key}, {"rate_key", &spec.rate_key}}) {
    if (key->empty()) continue;
    if (first == nullptr) {
      first = key;
    } else if (*first != *key) {
      reader.fault(name, "invalid",
                   "must be the same text as the job's other keys (unique.key, order_key, concurrency_key, rate_key)");
    }
  }
}

}  // namespace

service::StartRun read_start_job(Json& value, std::string pointer, std::vector<FaultDetail>& faults) {
  ObjectReader reader(value, std::move(pointer), faults);
  service::StartRun start;
  start.job.emplace();
  start.on_conflict = service::OnConflict::return_existing;
  start.workflow = reader.required("handler", reader.name("handler")).value_or("");
  if (auto queue = reader.name("queue")) start.job->queue = *std::move(queue);
  start.input = reader.any("input");
  start.run_at = reader.time("run_at");
  if (const auto delay = reader.decimal("delay_seconds", 0, kMaxDelay)) {
    start.job->delay = Duration{static_cast<std::int64_t>(std::llround(*delay * 1'000'000.0))};
    if (start.run_at) reader.fault("delay_seconds", "invalid", "cannot be given together with `run_at`");
  }
  start.priority = static_cast<std::int32_t>(reader.integer("priority", -100, 100).value_or(0));
  read_unique(reader, start, faults);

  JobSpec spec;
  spec.max_attempts = static_cast<std::int32_t>(reader.integer("max_attempts", 1, kMaxJobAttempts).value_or(5));
  spec.retry = read_retry(reader, faults);
  spec.timeout_seconds = reader.integer("timeout_seconds", 1, kMaxJobTimeoutSeconds);
  spec.concurrency_key = reader.key("concurrency_key").value_or("");
  spec.rate_key = reader.key("rate_key").value_or("");
  spec.order_key = reader.key("order_key").value_or("");
  check_one_key(reader, start, spec);
  if (!(spec == JobSpec{})) start.job->spec = std::make_shared<const JobSpec>(std::move(spec));
  reader.finish();
  return start;
}

Status check_job_input(const service::StartRun& job) {
  if (!job.input || core::fits_in(*job.input, kMaxJobInputBytes)) return {};
  return Error(ErrorCode::invalid_argument, "payload-too-large",
               "the input of one job may take " + std::to_string(kMaxJobInputBytes) + " bytes")
      .with("pointer", "/input");
}

}  // namespace orchestrator::api
