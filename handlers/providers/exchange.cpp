#include "handlers/providers/exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "handlers/http_outcome.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::samples {

namespace {

using handlers::HttpAnswer;
using handlers::HttpEnd;

/// "401" and so on with the beginning of what the provider said about it, as valid UTF-8.
std::string describe_refusal(const HttpAnswer& answer) {
  constexpr std::size_t kShownBytes = 300;
  const std::string shown = dump_json(Json(answer.body.substr(0, kShownBytes)));
  return "the provider answered " + std::to_string(answer.status) + ": " + shown;
}

/// Nobody acted on these, whatever the call: too early, too many, not now.
bool is_turned_away(int status) {
  static constexpr std::array kStatuses = {408, 425, 429, 503};
  return std::ranges::find(kStatuses, status) != kStatuses.end();
}

Outcome classify_status(const HttpAnswer& answer, Repeat repeat, Timestamp now) {
  const std::string cause = describe_refusal(answer);
  if (answer.status == 401 || answer.status == 403) return Outcome::failed("Provider.Credentials", cause, false);
  const bool is_turned_away_now = is_turned_away(answer.status);
  if (answer.status < 500 && !is_turned_away_now) return Outcome::failed("Provider.Refused", cause, false);
  if (repeat == Repeat::effective && !is_turned_away_now) return Outcome::unknown("Provider.OutcomeUnknown", cause);
  Outcome outcome = Outcome::failed("Provider.Unavailable", cause);
  outcome.delay = handlers::parse_retry_after(answer.header("retry-after"), now);
  return outcome;
}

std::optional<Outcome> classify(const handlers::HttpCall& call, const HttpAnswer& answer, Repeat repeat,
                                Timestamp now) {
  switch (answer.end) {
    case HttpEnd::answered:
      if (answer.status < 400) return std::nullopt;
      return classify_status(answer, repeat, now);
    case HttpEnd::connect_failed:
    case HttpEnd::timed_out_unsent: return Outcome::failed("Provider.Unavailable", answer.problem);
    case HttpEnd::connection_lost:
    case HttpEnd::timed_out_sent:
    case HttpEnd::cancelled_sent:
      if (repeat == Repeat::effective) return Outcome::unknown("Provider.OutcomeUnknown", answer.problem);
      return Outcome::failed("Provider.Unavailable", answer.problem);
    case HttpEnd::invalid_call:
    case HttpEnd::address_refused:
    case HttpEnd::answer_too_large:
    case HttpEnd::cancelled_unsent: break;
  }
  return handlers::outcome_of(call, answer, now);
}

}  // namespace

Exchange exchange(const SampleSettings& settings, const TaskContext& context, const handlers::HttpCall& call,
                  Repeat repeat, std::chrono::milliseconds timeout) {
  handlers::HttpOptions options = handlers::http_options_of(context);
  options.total_timeout = timeout;
  options.allow_private = settings.http_allow_private;
  options.trust = settings.trust;
  HttpAnswer answer = handlers::send_http(call, options);
  Exchange result;
  result.failure = classify(call, answer, repeat, context.now);
  result.status = answer.status;
  result.body = std::move(answer.body);
  return result;
}

Outcome not_configured(std::string_view variable) {
  return Outcome::failed("Provider.NotConfigured", std::string(variable) + " is not set", false);
}

Outcome unreadable_answer(std::string_view provider) {
  return Outcome::failed("Provider.Unavailable",
                         std::string(provider) + " answered something that is not its documented answer");
}

}  // namespace orchestrator::samples
