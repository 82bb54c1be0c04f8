#include "orchestrator/model/job_record.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

Json encode(const FailedAttempt& failure) {
  Json object = {{"attempt", failure.attempt}, {"at", to_micros(failure.at)}, {"error", failure.error}};
  if (!failure.cause.empty()) object["cause"] = failure.cause;
  if (!failure.worker.empty()) object["worker"] = failure.worker;
  if (!failure.retryable) object["non_retryable"] = true;
  if (failure.retry_at) object["retry_at"] = to_micros(*failure.retry_at);
  return object;
}

FailedAttempt decode(const Json& object) {
  FailedAttempt failure;
  failure.attempt = object.at("attempt").get<std::int32_t>();
  failure.at = from_micros(object.at("at").get<std::int64_t>());
  failure.error = object.at("error").get<std::string>();
  failure.cause = object.value("cause", std::string{});
  failure.worker = object.value("worker", std::string{});
  failure.retryable = !object.value("non_retryable", false);
  if (const auto at = object.find("retry_at"); at != object.end())
    failure.retry_at = from_micros(at->get<std::int64_t>());
  return failure;
}

}  // namespace

void keep_failure(std::vector<FailedAttempt>& failures, FailedAttempt failure) {
  if (failures.size() == kKeptFailures) failures.erase(failures.begin());
  failures.push_back(std::move(failure));
}

std::string encode_job_record(const JobRecord& record) {
  Json object = Json::object();
  if (!record.failures.empty()) {
    Json& failures = object["failures"] = Json::array();
    for (const FailedAttempt& failure : record.failures) failures.push_back(encode(failure));
  }
  if (record.run) object["run"] = *record.run;
  return dump_json(object);
}

Result<JobRecord> decode_job_record(std::string_view text) {
  auto object = parse_json(text);
  if (!object) return object.error();
  if (!object->is_object()) return fail(ErrorCode::internal, "a job's record is no object");
  try {
    JobRecord record;
    if (const auto failures = object->find("failures"); failures != object->end()) {
      for (const Json& failure : *failures) record.failures.push_back(decode(failure));
    }
    if (const auto run = object->find("run"); run != object->end()) record.run = make_payload(std::move(*run));
    return record;
  } catch (const Json::exception& e) {
    return fail(ErrorCode::internal, std::string("a job's record cannot be read: ") + e.what());
  }
}

}  // namespace orchestrator
