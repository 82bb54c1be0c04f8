#include "orchestrator/model/job_spec.hpp"

#include <array>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/json_text.hpp"

namespace orchestrator {
namespace {

constexpr std::array<std::string_view, 3> kRetryKinds{"exponential", "fixed", "list"};

Json encode_retry(const JobRetry& retry) {
  const JobRetry defaults;
  Json object = Json::object();
  if (retry.kind != defaults.kind) object["kind"] = std::string(to_string(retry.kind));
  if (retry.initial_seconds != defaults.initial_seconds) object["initial_seconds"] = retry.initial_seconds;
  if (retry.factor != defaults.factor) object["factor"] = retry.factor;
  if (retry.max_seconds != defaults.max_seconds) object["max_seconds"] = retry.max_seconds;
  if (!retry.full_jitter) object["jitter"] = "none";
  if (!retry.delays_seconds.empty()) object["delays_seconds"] = retry.delays_seconds;
  return object;
}

JobRetry decode_retry(const Json& object) {
  JobRetry retry;
  if (const auto kind = parse_job_retry_kind(object.value("kind", "exponential"))) retry.kind = *kind;
  retry.initial_seconds = object.value("initial_seconds", retry.initial_seconds);
  retry.factor = object.value("factor", retry.factor);
  retry.max_seconds = object.value("max_seconds", retry.max_seconds);
  retry.full_jitter = object.value("jitter", "full") != "none";
  retry.delays_seconds = object.value("delays_seconds", retry.delays_seconds);
  return retry;
}

Unexpected unreadable(const char* what, const std::string& why) {
  return fail(ErrorCode::internal, std::string(what) + " cannot be read: " + why);
}

}  // namespace

std::string_view to_string(JobRetryKind kind) { return kRetryKinds[static_cast<std::size_t>(kind)]; }

std::optional<JobRetryKind> parse_job_retry_kind(std::string_view text) {
  for (std::size_t i = 0; i < kRetryKinds.size(); ++i) {
    if (kRetryKinds[i] == text) return static_cast<JobRetryKind>(i);
  }
  return std::nullopt;
}

const std::string& JobSpec::routing_key() const {
  if (!order_key.empty()) return order_key;
  return concurrency_key.empty() ? rate_key : concurrency_key;
}

const JobSpec& job_spec_of(const JobSpecPtr& spec) {
  static const JobSpec kDefaults;
  return spec ? *spec : kDefaults;
}

std::optional<std::string> job_spec_text(const JobSpecPtr& spec) {
  if (!spec || *spec == JobSpec{}) return std::nullopt;
  std::string text;
  const auto name = [&text](std::string_view member) {
    text += text.empty() ? "{\"" : ",\"";
    text += member;
    text += "\":";
  };
  const auto add_text = [&](std::string_view member, const std::string& value) {
    if (value.empty()) return;
    name(member);
    append_json_string(text, value);
  };
  const auto add_number = [&](std::string_view member, std::int64_t value) {
    name(member);
    text += std::to_string(value);
  };
  if (spec->max_attempts != JobSpec{}.max_attempts) add_number("max_attempts", spec->max_attempts);
  if (!(spec->retry == JobRetry{})) {
    name("retry");
    text += dump_json(encode_retry(spec->retry));
  }
  if (spec->timeout_seconds) add_number("timeout_seconds", *spec->timeout_seconds);
  add_text("order_key", spec->order_key);
  add_text("concurrency_key", spec->concurrency_key);
  add_text("rate_key", spec->rate_key);
  if (spec->order_number != 0) add_number("order_number", spec->order_number);
  return text + '}';
}

Payload encode_job_spec(const JobSpecPtr& spec) {
  const auto text = job_spec_text(spec);
  return text ? make_payload(*parse_json(*text)) : nullptr;
}

Result<JobSpecPtr> decode_job_spec(const Payload& object) {
  if (!object) return JobSpecPtr{};
  try {
    JobSpec spec;
    spec.max_attempts = object->value("max_attempts", spec.max_attempts);
    if (const auto retry = object->find("retry"); retry != object->end()) spec.retry = decode_retry(*retry);
    if (const auto seconds = object->find("timeout_seconds"); seconds != object->end())
      spec.timeout_seconds = seconds->get<std::int64_t>();
    spec.order_key = object->value("order_key", std::string{});
    spec.concurrency_key = object->value("concurrency_key", std::string{});
    spec.rate_key = object->value("rate_key", std::string{});
    spec.order_number = object->value("order_number", std::int64_t{0});
    return std::make_shared<const JobSpec>(std::move(spec));
  } catch (const Json::exception& e) {
    return unreadable("a job's spec", e.what());
  }
}

Json to_json(const JobStart& start) {
  Json object = {{"queue", start.queue}};
  if (const Payload spec = encode_job_spec(start.spec)) object["spec"] = *spec;
  if (start.unique_within_seconds) object["unique_within_seconds"] = *start.unique_within_seconds;
  if (start.delay) object["delay_us"] = start.delay->count();
  return object;
}

Result<JobStart> job_start_from(const Json& object) {
  try {
    JobStart start;
    start.queue = object.value("queue", start.queue);
    if (const auto spec = object.find("spec"); spec != object.end()) {
      auto decoded = decode_job_spec(make_payload(*spec));
      if (!decoded) return decoded.error();
      start.spec = *std::move(decoded);
    }
    if (const auto seconds = object.find("unique_within_seconds"); seconds != object.end())
      start.unique_within_seconds = seconds->get<std::int64_t>();
    if (const auto delay = object.find("delay_us"); delay != object.end())
      start.delay = Duration{delay->get<std::int64_t>()};
    return start;
  } catch (const Json::exception& e) {
    return unreadable("a job's start", e.what());
  }
}

}  // namespace orchestrator
