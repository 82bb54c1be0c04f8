#include "handlers/http_request.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "handlers/http_outcome.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::handlers {
namespace {

bool is_content_type(std::string_view name) {
  constexpr std::string_view kName = "content-type";
  return std::ranges::equal(name, kName,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

HttpHeaders read_headers(InputReader& input) {
  HttpHeaders headers;
  const Json* given = input.find("headers");
  if (given == nullptr || given->is_null()) return headers;
  if (!given->is_object()) {
    input.refuse("headers", "must be an object of strings");
    return headers;
  }
  for (const auto& [name, value] : given->items()) {
    if (value.is_string()) {
      headers.emplace_back(name, value.get<std::string>());
    } else if (value.is_number() || value.is_boolean()) {
      headers.emplace_back(name, dump_json(value));
    } else {
      input.refuse("headers/" + name, "must be a string");
    }
  }
  return headers;
}

void read_body(InputReader& input, HttpCall& call) {
  const Json* body = input.find("body");
  if (body == nullptr || body->is_null()) return;
  if (body->is_string()) {
    call.body = body->get<std::string>();
    return;
  }
  call.body = dump_json(*body);
  const bool typed =
      std::ranges::any_of(call.headers, [](const auto& header) { return is_content_type(header.first); });
  if (!typed) call.headers.emplace_back("Content-Type", "application/json");
}

struct HttpRequestInput {
  HttpCall call;
  std::optional<double> timeout_seconds;

  static HttpRequestInput read(InputReader& input) {
    HttpRequestInput result;
    result.call.method = upper_case(input.optional_text("method").value_or("GET"));
    result.call.url = input.text("url");
    result.call.headers = read_headers(input);
    read_body(input, result.call);
    result.timeout_seconds = input.optional_number("timeout_seconds", {0.001, kMaxHttpTimeoutSeconds});
    return result;
  }
};

}  // namespace

HandlerEntry http_request_handler(HttpRequestSettings settings) {
  HandlerEntry entry;
  entry.name = "http.request";
  entry.plain = typed_handler<HttpRequestInput>(
      [settings = std::move(settings)](const HttpRequestInput& input, TaskContext& context) -> Outcome {
        HttpCall call = input.call;
        add_task_headers(call, context);
        HttpOptions options = http_options_of(context);
        options.allow_private = settings.allow_private;
        options.trust = settings.trust;
        if (input.timeout_seconds) {
          const std::chrono::duration<double> asked(*input.timeout_seconds);
          options.total_timeout = std::chrono::ceil<std::chrono::milliseconds>(asked);
        }
        return outcome_of(call, send_http(call, options), context.now);
      });
  return entry;
}

}  // namespace orchestrator::handlers
