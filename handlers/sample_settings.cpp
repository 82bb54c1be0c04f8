#include "handlers/sample_settings.hpp"

namespace orchestrator::samples {

namespace {

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

SampleSettings read_sample_settings(const EnvironmentReader& read) {
  const auto text = [&read](std::string_view name) { return read(name).value_or(""); };
  SampleSettings settings;
  settings.payfast = {.url = without_slash(text("ORCHESTRATOR_PAYFAST_URL")),
                      .merchant_id = text("ORCHESTRATOR_PAYFAST_MERCHANT_ID"),
                      .merchant_key = text("ORCHESTRATOR_PAYFAST_MERCHANT_KEY"),
                      .passphrase = text("ORCHESTRATOR_PAYFAST_PASSPHRASE"),
                      .notify_url = text("ORCHESTRATOR_PAYFAST_NOTIFY_URL")};
  settings.phonepe = {.url = without_slash(text("ORCHESTRATOR_PHONEPE_URL")),
                      .client_id = text("ORCHESTRATOR_PHONEPE_CLIENT_ID"),
                      .client_secret = text("ORCHESTRATOR_PHONEPE_CLIENT_SECRET")};
  settings.mail = {.url = without_slash(text("ORCHESTRATOR_MAIL_URL")),
                   .api_key = text("ORCHESTRATOR_MAIL_API_KEY"),
                   .sender = text("ORCHESTRATOR_MAIL_SENDER")};
  settings.model = {.url = without_slash(text("ORCHESTRATOR_MODEL_URL")),
                    .api_key = text("ORCHESTRATOR_MODEL_API_KEY")};
  settings.event_sink = {.url = text("ORCHESTRATOR_EVENT_SINK_URL"), .secret = text("ORCHESTRATOR_EVENT_SINK_SECRET")};
  return settings;
}

}  // namespace orchestrator::samples
