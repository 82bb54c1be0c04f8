#include "orchestrator/tools/demo_client.hpp"

#include <thread>
#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::tools {

namespace {

constexpr std::chrono::milliseconds kBetweenTries{200};
constexpr std::chrono::seconds kAnswerTimeout{15};

bool may_pass(int status) { return status == 429 || status >= 500; }

Json body_of(const std::string& text) {
  auto parsed = parse_json(text);
  return parsed ? std::move(*parsed) : Json(text);
}

}  // namespace

Result<Json> DemoClient::get(const std::string& target) const {
  return send({.method = "GET", .target = target, .timeout = kAnswerTimeout});
}

Result<Json> DemoClient::post(const std::string& target, const Json& body, const std::string& idempotency_key) const {
  ClientRequest request{.method = "POST", .target = target, .body = dump_json(body), .timeout = kAnswerTimeout};
  if (!idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", idempotency_key);
  return send(request);
}

Result<Json> DemoClient::post_form(const std::string& target, const std::string& form) const {
  return send({.method = "POST",
               .target = target,
               .body = form,
               .content_type = "application/x-www-form-urlencoded",
               .timeout = kAnswerTimeout});
}

Result<Json> DemoClient::send(const ClientRequest& request) const {
  const auto give_up_at = std::chrono::steady_clock::now() + kAwayPatience;
  std::string last = "no answer";
  while (std::chrono::steady_clock::now() < give_up_at) {
    const Result<ClientResponse> answer = send_once(access_, request);
    if (answer && answer->status < 300) return body_of(answer->body);
    last = answer ? std::to_string(answer->status) + " " + answer->body : answer.error().message;
    if (answer && !may_pass(answer->status)) {
      return fail(ErrorCode::invalid_argument, request.method + " " + request.target + ": " + last);
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  return fail(ErrorCode::unavailable, request.method + " " + request.target + " failed for a minute: " + last);
}

}  // namespace orchestrator::tools
