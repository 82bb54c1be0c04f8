#include <string>
#include <utility>

#include "handlers/providers/exchange.hpp"
#include "handlers/sample_groups.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

/// Source: docs/providers.md, "Model"; the step's TimeoutSeconds is usually far below.
constexpr std::chrono::milliseconds kModelTimeout{60'000};

struct ReduceInput {
  Json context;

  static ReduceInput read(InputReader& reader) {
    ReduceInput input;
    const Json* context = reader.value("business_context");
    if (context != nullptr) input.context = *context;
    if (!input.context.is_object()) reader.refuse("business_context", "must be an object");
    return input;
  }
};

/// The text of the first candidate, or empty; `reason` is why the model stopped.
std::string first_candidate(const Json& answer, std::string& reason) {
  const auto candidates = answer.find("candidates");
  if (candidates == answer.end() || !candidates->is_array() || candidates->empty()) return {};
  const Json& candidate = candidates->front();
  reason = string_member(candidate, "finishReason");
  const Json parts =
      candidate.is_object() ? candidate.value(Json::json_pointer("/content/parts"), Json::array()) : Json::array();
  return parts.is_array() && !parts.empty() ? string_member(parts.front(), "text") : std::string();
}

/// Has the model sum up the business context: `{manifest, degraded: false}`. A refusal for safety is Model.Refused,
/// an exhausted quota Provider.Credentials (an operator must act); neither is retryable.
Outcome reduce(const SampleSettings& settings, const ReduceInput& input, TaskContext& context) {
  if (settings.model.url.empty()) return not_configured("ORCHESTRATOR_MODEL_URL");
  const std::string prompt = "Sum up this business in one paragraph:\n" + dump_json(input.context);
  const Json body = {{"contents", {{{"role", "user"}, {"parts", {{{"text", prompt}}}}}}}};
  handlers::HttpCall call{.method = "POST",
                          .url = settings.model.url + "/v1/models/reducer:generateContent",
                          .headers = {{"Content-Type", "application/json"}},
                          .body = dump_json(body)};
  if (!settings.model.api_key.empty()) call.headers.emplace_back("Authorization", "Bearer " + settings.model.api_key);
  Exchange answer = exchange(settings, context, call, Repeat::harmless, kModelTimeout);
  if (answer.status == 429 && answer.body.find("insufficient_quota") != std::string::npos) {
    return Outcome::failed("Provider.Credentials", "the model's quota is used up", false);
  }
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  if (!parsed || !parsed->is_object()) return unreadable_answer("the model");
  std::string reason;
  const std::string text = first_candidate(*parsed, reason);
  if (reason == "SAFETY") return Outcome::failed("Model.Refused", "the model declined for safety", false);
  if (text.empty()) return unreadable_answer("the model");
  Json manifest = input.context;
  manifest["summary"] = text;
  return Outcome::completed(make_payload({{"manifest", std::move(manifest)}, {"degraded", false}}));
}

}  // namespace

HandlerEntries model_handlers(const SampleSettings& settings) {
  return {plain("model.reduce", typed_handler<ReduceInput>([settings](const ReduceInput& input, TaskContext& context) {
                  return reduce(settings, input, context);
                }))};
}

}  // namespace orchestrator::samples
