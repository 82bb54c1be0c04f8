#include "api/problem.hpp"

#include <algorithm>
#include <array>

#include "api/json_writer.hpp"
#include "api/limits.hpp"
#include "orchestrator/base/public_detail.hpp"

namespace orchestrator::api {
namespace {

struct ProblemKind {
  std::string_view slug;
  int status;
  std::string_view title;
};

/// The contract's slugs. One that is missing here takes its status from the error's code.
constexpr std::array kProblems{
    ProblemKind{"malformed-json", 400, "Not valid JSON"},
    ProblemKind{"malformed-request", 400, "Not valid HTTP"},
    ProblemKind{"malformed-webhook", 400, "The signed body cannot be read"},
    ProblemKind{"invalid-parameter", 400, "Invalid parameter"},
    ProblemKind{"unauthenticated", 401, "A valid credential is required"},
    ProblemKind{"forbidden", 403, "The credential does not allow this"},
    ProblemKind{"decision-role", 403, "The decision is for other roles"},
    ProblemKind{"not-found", 404, "Not found"},
    ProblemKind{"no-such-route", 404, "No such route"},
    ProblemKind{"unknown-workflow", 404, "Unknown workflow"},
    ProblemKind{"method-not-allowed", 405, "The path does not offer this method"},
    ProblemKind{"run-key-conflict", 409, "An open run has this key"},
    ProblemKind{"unique-conflict", 409, "An open job has this unique key"},
    ProblemKind{"idempotency-in-flight", 409, "The first request with this key is still working"},
    ProblemKind{"stale-lease", 409, "The lease has ended"},
    ProblemKind{"worker-id-in-use", 409, "Another worker has this id"},
    ProblemKind{"run-closed", 409, "The run has closed"},
    ProblemKind{"wrong-state", 409, "The state does not allow this"},
    ProblemKind{"payload-too-large", 413, "The body is too large"},
    ProblemKind{"unsupported-media-type", 415, "Unsupported media type"},
    ProblemKind{"expectation-failed", 417, "Unknown expectation"},
    ProblemKind{"invalid-body", 422, "The body breaks its schema"},
    ProblemKind{"invalid-definition", 422, "The definition is not valid"},
    ProblemKind{"idempotency-mismatch", 422, "The key was used with another body"},
    ProblemKind{"unstorable-data", 422, "The data cannot be stored"},
    ProblemKind{"rate-limited", 429, "Too many requests"},
    ProblemKind{"mailbox-full", 429, "Too many signals wait for this receiver"},
    ProblemKind{"broadcast-too-large", 409, "Too many runs for one broadcast"},
    ProblemKind{"header-too-large", 431, "The header is too large"},
    ProblemKind{"internal", 500, "Internal error"},
    ProblemKind{"not-implemented", 501, "Not implemented"},
    ProblemKind{"missing-secret", 503, "A secret is not configured"},
    ProblemKind{"unavailable", 503, "Temporarily unavailable"},
};

const ProblemKind* kind_of(std::string_view slug) {
  const auto* found =
      std::find_if(kProblems.begin(), kProblems.end(), [&](const auto& kind) { return kind.slug == slug; });
  return found == kProblems.end() ? nullptr : found;
}

std::string_view default_slug(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid-body";
    case ErrorCode::not_found: return "not-found";
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
    case ErrorCode::precondition_failed: return "wrong-state";
    case ErrorCode::resource_exhausted: return "rate-limited";
    case ErrorCode::ownership_lost:
    case ErrorCode::unavailable:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::cancelled:
    case ErrorCode::outcome_unknown: return "unavailable";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string_view slug_of(const Error& error) {
  return error.slug.empty() ? default_slug(error.code) : std::string_view{error.slug};
}

/// What the caller reads: the message, unless the error brings a text for callers.
const std::string& detail_of(const Error& error) {
  const auto found = std::find_if(error.members.begin(), error.members.end(),
                                  [](const auto& member) { return member.first == kPublicDetail; });
  return found == error.members.end() ? error.message : found->second;
}

}  // namespace

std::vector<std::string_view> problem_slugs() {
  std::vector<std::string_view> slugs;
  for (const ProblemKind& kind : kProblems) slugs.push_back(kind.slug);
  return slugs;
}

int status_of(const Error& error) {
  const ProblemKind* kind = kind_of(slug_of(error));
  return kind != nullptr ? kind->status : error_traits(error.code).http_status;
}

std::string problem_text(const Error& error, std::string_view instance) {
  const std::string_view slug = slug_of(error);
  const ProblemKind* kind = kind_of(slug);
  JsonWriter writer;
  writer.begin_object();
  writer.member("type", "/problems/" + std::string{slug});
  writer.member("title", kind != nullptr ? kind->title : reason_phrase(status_of(error)));
  writer.member("status", status_of(error));
  writer.member("detail", detail_of(error));
  if (!instance.empty()) writer.member("instance", instance);
  if (!error.faults.empty()) {
    writer.name("errors").begin_array();
    const std::size_t shown = std::min(error.faults.size(), kMaxReportedFaults);
    for (std::size_t i = 0; i < shown; ++i) {
      const FaultDetail& fault = error.faults[i];
      writer.begin_object();
      writer.member("pointer", fault.pointer).member("code", fault.code).member("message", fault.message);
      writer.end_object();
    }
    writer.end_array();
    if (shown < error.faults.size()) writer.member("errors_left_out", std::int64_t(error.faults.size() - shown));
  }
  for (const auto& [name, value] : error.members) {
    if (name != kPublicDetail) writer.member(name, value);
  }
  writer.end_object();
  return std::move(writer).take();
}

Response problem_response(const Error& error, std::string_view instance) {
  Response response;
  response.status = status_of(error);
  response.content_type = kProblemType;
  response.body = problem_text(error, instance);
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (response.status == 503 || response.status == 429) response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = kJsonType;
  response.body = std::move(body);
  return response;
}

}  // namespace orchestrator::api
