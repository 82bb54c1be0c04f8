#include "handlers/http_outcome.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "handlers/http_address.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::handlers {
namespace {

std::string lower_case(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool is_json(std::string_view content_type) {
  const std::string type = lower_case(content_type.substr(0, content_type.find(';')));
  const auto end = type.find_last_not_of(" \t");
  const std::string_view trimmed = std::string_view{type}.substr(0, end == std::string::npos ? 0 : end + 1);
  return trimmed == "application/json" || trimmed.ends_with("+json");
}

/// Text from outside with what is not UTF-8 replaced, so that it can be stored as JSON.
std::string valid_text(const std::string& bytes) {
  const auto text = parse_json(dump_json(Json(bytes)));
  return text ? text->get<std::string>() : std::string{};
}

std::string describe(const HttpCall& call, const std::string& what) {
  const auto address = parse_http_address(call.url);
  return call.method + " " + (address ? address->shown : std::string("an unreadable URL")) + ": " + what;
}

Outcome failed_status(const HttpCall& call, const HttpAnswer& answer, Timestamp now) {
  std::string what = "status " + std::to_string(answer.status);
  if (!answer.body.empty()) what += ", " + valid_text(answer.body.substr(0, kMaxCauseBodyBytes));
  Outcome outcome = Outcome::failed("Http.Status." + std::to_string(answer.status), describe(call, what),
                                    !is_final_status(answer.status));
  if (outcome.retryable) outcome.delay = parse_retry_after(answer.header("retry-after"), now);
  return outcome;
}

int small_number(std::string_view text) {
  int value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end == text.data() + text.size() ? value : -1;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: the one form that is still sent. The two obsolete ones are not read.
std::optional<Timestamp> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  std::string iso{text.substr(12, 4)};
  const auto number = std::to_string(month - kMonths.begin() + 1);
  iso += (number.size() == 1 ? "-0" : "-") + number + "-" + std::string{text.substr(5, 2)} + "T";
  iso += std::string{text.substr(17, 8)} + "Z";
  const auto time = parse_rfc3339(iso);
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

bool is_final_status(int status) {
  static constexpr std::array kFinal = {400, 401, 403, 404, 405, 410, 422};
  return std::ranges::find(kFinal, status) != kFinal.end();
}

std::optional<Duration> parse_retry_after(std::string_view text, Timestamp now) {
  if (text.empty()) return std::nullopt;
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    // More digits than a delay can have mean "long", not an error.
    if (text.size() > 6) return kMaxRetryAfter;
    const Duration delay = std::chrono::seconds(small_number(text));
    return std::min(delay, kMaxRetryAfter);
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::clamp(Duration{*date - now}, Duration{0}, kMaxRetryAfter);
}

Json answer_to_json(const HttpAnswer& answer) {
  Json headers = Json::object();
  for (const auto& [name, value] : answer.headers) {
    const std::string text = valid_text(value);
    if (headers.contains(name)) {
      headers[name] = headers[name].get<std::string>() + ", " + text;
    } else {
      headers[name] = text;
    }
  }
  Json body;
  if (is_json(answer.header("content-type"))) {
    // A server that calls its text JSON and sends something else still gave an answer.
    auto parsed = parse_json(answer.body);
    body = parsed ? *std::move(parsed) : Json(valid_text(answer.body));
  } else {
    body = valid_text(answer.body);
  }
  return Json{{"status", answer.status}, {"headers", std::move(headers)}, {"body", std::move(body)}};
}

Outcome outcome_of(const HttpCall& call, const HttpAnswer& answer, Timestamp now) {
  const std::string cause = answer.end == HttpEnd::answered ? "" : describe(call, answer.problem);
  switch (answer.end) {
    case HttpEnd::answered:
      if (answer.status >= 400) return failed_status(call, answer, now);
      return Outcome::completed(make_payload(answer_to_json(answer)));
    case HttpEnd::invalid_call: return Outcome::failed(kInvalidInput, answer.problem, false);
    case HttpEnd::address_refused: return Outcome::failed("Http.AddressRefused", cause, false);
    case HttpEnd::connect_failed: return Outcome::failed("Http.ConnectFailed", cause);
    case HttpEnd::timed_out_unsent: return Outcome::failed("States.Timeout", cause);
    case HttpEnd::answer_too_large: return Outcome::failed("Http.AnswerTooLarge", cause, false);
    case HttpEnd::connection_lost: return Outcome::unknown("Http.ConnectionLost", cause);
    case HttpEnd::timed_out_sent: return Outcome::unknown("States.Timeout", cause);
    // Stopped at our own wish, but the other side may have acted.
    case HttpEnd::cancelled_sent: return Outcome::unknown("Http.ConnectionLost", cause);
    case HttpEnd::cancelled_unsent: break;
  }
  Outcome outcome;
  outcome.kind = Outcome::Kind::cancelled;
  return outcome;
}

HttpOptions http_options_of(const TaskContext& context) {
  HttpOptions options;
  options.deadline = context.deadline;
  options.cancel_requested = context.cancel_requested;
  return options;
}

void add_task_headers(HttpCall& call, const TaskContext& context) {
  const auto has = [&call](std::string_view lower_name) {
    return std::ranges::any_of(call.headers,
                               [&](const auto& header) { return lower_case(header.first) == lower_name; });
  };
  if (!context.idempotency_key.empty() && !has("idempotency-key")) {
    call.headers.emplace_back("Idempotency-Key", context.idempotency_key);
  }
  if (!context.traceparent.empty() && !has("traceparent"))
    call.headers.emplace_back("traceparent", context.traceparent);
}

}  // namespace orchestrator::handlers
