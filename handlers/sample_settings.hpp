#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "handlers/http_client.hpp"

namespace orchestrator::samples {

/// Where PayFast is and who we are there. Empty members are not configured: the steps that need them fail with
/// Provider.NotConfigured and the variable's name, everything else goes on.
struct PayFastSettings {
  std::string url;           ///< ORCHESTRATOR_PAYFAST_URL, without a slash at the end
  std::string merchant_id;   ///< ORCHESTRATOR_PAYFAST_MERCHANT_ID
  std::string merchant_key;  ///< ORCHESTRATOR_PAYFAST_MERCHANT_KEY
  std::string passphrase;    ///< ORCHESTRATOR_PAYFAST_PASSPHRASE
  std::string notify_url;    ///< ORCHESTRATOR_PAYFAST_NOTIFY_URL: where notifications are posted
};

/// PhonePe, version 2 (OAuth).
struct PhonePeSettings {
  std::string url;            ///< ORCHESTRATOR_PHONEPE_URL
  std::string client_id;      ///< ORCHESTRATOR_PHONEPE_CLIENT_ID
  std::string client_secret;  ///< ORCHESTRATOR_PHONEPE_CLIENT_SECRET
};

struct MailSettings {
  std::string url;      ///< ORCHESTRATOR_MAIL_URL
  std::string api_key;  ///< ORCHESTRATOR_MAIL_API_KEY
  std::string sender;   ///< ORCHESTRATOR_MAIL_SENDER
};

struct ModelSettings {
  std::string url;      ///< ORCHESTRATOR_MODEL_URL
  std::string api_key;  ///< ORCHESTRATOR_MODEL_API_KEY
};

/// Where published events go, in the form of Standard Webhooks.
struct EventSinkSettings {
  std::string url;     ///< ORCHESTRATOR_EVENT_SINK_URL
  std::string secret;  ///< ORCHESTRATOR_EVENT_SINK_SECRET, `whsec_` and base64; empty: unsigned
};

/// What the shipped flows need from the outside.
struct SampleSettings {
  PayFastSettings payfast;
  PhonePeSettings phonepe;
  MailSettings mail;
  ModelSettings model;
  EventSinkSettings event_sink;
  bool http_allow_private = false;            ///< ORCHESTRATOR_HTTP_ALLOW_PRIVATE
  std::shared_ptr<handlers::TlsTrust> trust;  ///< null: the system's authorities, loaded for each call
};

/// One variable that the shipped flows read.
struct SampleVariable {
  std::string_view name;
  std::string_view needed_by;  ///< what answers Provider.NotConfigured without it
};

/// Every variable without which a step of the shipped flows fails, for `doctor`.
inline constexpr std::array kNeededSampleVariables{
    SampleVariable{"ORCHESTRATOR_PAYFAST_URL", "PayFast payments"},
    SampleVariable{"ORCHESTRATOR_PAYFAST_MERCHANT_ID", "PayFast payments"},
    SampleVariable{"ORCHESTRATOR_PAYFAST_MERCHANT_KEY", "PayFast payments"},
    SampleVariable{"ORCHESTRATOR_PAYFAST_PASSPHRASE", "PayFast signatures and webhooks"},
    SampleVariable{"ORCHESTRATOR_PAYFAST_NOTIFY_URL", "PayFast payments"},
    SampleVariable{"ORCHESTRATOR_PHONEPE_URL", "PhonePe payments"},
    SampleVariable{"ORCHESTRATOR_PHONEPE_CLIENT_ID", "PhonePe payments"},
    SampleVariable{"ORCHESTRATOR_PHONEPE_CLIENT_SECRET", "PhonePe payments"},
    SampleVariable{"ORCHESTRATOR_MAIL_URL", "mails"},
    SampleVariable{"ORCHESTRATOR_MAIL_API_KEY", "mails"},
    SampleVariable{"ORCHESTRATOR_MAIL_SENDER", "mails"},
    SampleVariable{"ORCHESTRATOR_MODEL_URL", "generated profiles"},
    SampleVariable{"ORCHESTRATOR_EVENT_SINK_URL", "published events"},
};

/// Reads a variable of the environment; nothing when it is unset.
using EnvironmentReader = std::function<std::optional<std::string>(std::string_view name)>;

/// The settings by the names above; absent variables leave members empty.
SampleSettings read_sample_settings(const EnvironmentReader& read);

}  // namespace orchestrator::samples
