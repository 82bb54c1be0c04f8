#include <string>
#include <utility>

#include "handlers/providers/exchange.hpp"
#include "handlers/sample_groups.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

/// Source: docs/providers.md, "Mail".
constexpr std::chrono::milliseconds kMailTimeout{10'000};

struct MailInput {
  std::string to;
  std::string subject;
  std::string text;
  std::optional<std::string> key;  ///< `<event>/<entity>`; absent: the step's idempotency key

  static MailInput read(InputReader& reader) {
    return {.to = reader.text("to"),
            .subject = reader.text("subject"),
            .text = reader.text("text"),
            .key = reader.optional_text("key")};
  }
};

/// Sends one mail. The provider keeps the key, so that a repeat of the same mail is not sent twice.
Outcome send_mail(const SampleSettings& settings, const MailInput& input, TaskContext& context) {
  if (settings.mail.url.empty()) return not_configured("ORCHESTRATOR_MAIL_URL");
  if (settings.mail.api_key.empty()) return not_configured("ORCHESTRATOR_MAIL_API_KEY");
  if (settings.mail.sender.empty()) return not_configured("ORCHESTRATOR_MAIL_SENDER");
  const Json body = {
      {"from", settings.mail.sender}, {"to", {input.to}}, {"subject", input.subject}, {"text", input.text}};
  const handlers::HttpCall call{.method = "POST",
                                .url = settings.mail.url + "/emails",
                                .headers = {{"Authorization", "Bearer " + settings.mail.api_key},
                                            {"Content-Type", "application/json"},
                                            {"Idempotency-Key", input.key.value_or(context.idempotency_key)}},
                                .body = dump_json(body)};
  Exchange answer = exchange(settings, context, call, Repeat::harmless, kMailTimeout);
  if (answer.status == 409 && answer.body.find("concurrent_idempotent_requests") != std::string::npos) {
    return Outcome::failed("Provider.Unavailable", "the same mail is being sent right now");
  }
  if (answer.failed()) return std::move(*answer.failure);
  const auto parsed = parse_json(answer.body);
  const std::string id = parsed ? string_member(*parsed, "id") : std::string();
  if (id.empty()) return unreadable_answer("the mail provider");
  return Outcome::completed(make_payload({{"id", id}}));
}

}  // namespace

HandlerEntries mail_handlers(const SampleSettings& settings) {
  return {plain("mail.send", typed_handler<MailInput>([settings](const MailInput& input, TaskContext& context) {
                  return send_mail(settings, input, context);
                }))};
}

}  // namespace orchestrator::samples
