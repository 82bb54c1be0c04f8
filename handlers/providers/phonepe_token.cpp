#include "handlers/providers/phonepe_token.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/provider_signatures.hpp"

namespace orchestrator::samples {

namespace {

/// Source: docs/providers.md, "PhonePe": renew 3 to 5 minutes early.
constexpr std::int64_t kRenewEarlySeconds = 240;

}  // namespace

PhonePeTokens::Answer PhonePeTokens::get(const TaskContext& context) {
  const telemetry::MutexLock lock(mutex_);
  const std::int64_t now_seconds = to_micros(context.now) / 1'000'000;
  if (!token_.empty() && now_seconds < expires_at_seconds_ - kRenewEarlySeconds) return {.token = token_};
  const PhonePeSettings& account = settings_.phonepe;
  const handlers::HttpCall call{.method = "POST",
                                .url = account.url + "/v1/oauth/token",
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                                .body = digest::format_form({{"client_id", account.client_id},
                                                             {"client_version", "1"},
                                                             {"client_secret", account.client_secret},
                                                             {"grant_type", "client_credentials"}})};
  Exchange answer = exchange(settings_, context, call, Repeat::harmless);
  if (answer.failed()) return {.failure = std::move(answer.failure)};
  const auto body = parse_json(answer.body);
  const std::string token = body ? string_member(*body, "access_token") : std::string();
  if (token.empty() || !body->contains("expires_at") || !body->at("expires_at").is_number_integer()) {
    return {.failure = unreadable_answer("PhonePe")};
  }
  token_ = token;
  expires_at_seconds_ = body->at("expires_at").get<std::int64_t>();
  return {.token = token_};
}

void PhonePeTokens::drop(const std::string& token) {
  const telemetry::MutexLock lock(mutex_);
  if (token_ == token) token_.clear();
}

}  // namespace orchestrator::samples
