#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/key_ring.hpp"
#include "api/limits.hpp"
#include "api/message.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::service {
class Service;
}

namespace orchestrator::api {

class Router;

/// What one answered request is worth to metrics. Labels are bounded: `route` is a pattern, never a path.
struct RequestReport {
  std::string_view method;
  std::string_view route;  ///< "/v1/runs/{id}"; "none" for paths that match nothing
  int status = 0;
  std::chrono::nanoseconds duration{};
};

/// What one stored webhook is worth to metrics and logs.
struct WebhookReport {
  std::string_view provider;
  std::string_view namespace_name;
  std::string_view endpoint;
  std::string_view delivery_id;
  std::string_view verdict;  ///< accepted | duplicate | poison
  bool altered = false;      ///< a duplicate with other bytes than the first one
  std::chrono::nanoseconds duration{};
};

/// What became of event streams.
struct EventStreamReport {
  std::int64_t opened = 0;
  std::int64_t closed = 0;
  std::uint64_t left_out = 0;  ///< events that their readers were too slow for
};

/// Who had a delivery's signals sent once more.
struct WebhookReplay {
  std::string_view namespace_name;
  std::string_view delivery_id;
  std::string_view actor;
  std::string_view reason;
  std::int32_t number = 0;
};

/// Names of the providers whose webhooks can be verified: labels of metrics.
std::vector<std::string_view> webhook_providers();

struct ApiOptions {
  /// Role api. Without it there are only the probes, the metrics and the calls between nodes.
  bool serves_callers = true;
  /// ORCHESTRATOR_ADMIN_KEY; empty: every call that needs a credential is refused.
  std::string admin_key;
  /// What nodes of one installation show each other; empty: no node may call.
  std::string peer_secret;
  /// The text behind /metrics. Empty: that route answers 501.
  std::function<std::string()> metrics_text;
  /// Told about every answer. Any I/O or engine thread.
  std::function<void(const RequestReport&)> on_request;
  /// A genuine webhook was stored.
  std::function<void(const WebhookReport&)> on_webhook_kept;
  /// A webhook of this provider was refused as forged.
  std::function<void(const std::string& provider)> on_webhook_rejected;
  /// Event streams at once; one more is 429.
  std::int64_t max_event_streams = kMaxEventStreams;
  /// Event streams began, ended, or left events out.
  std::function<void(const EventStreamReport&)> on_event_stream;
  /// Somebody sends a delivery's signals once more.
  std::function<void(const WebhookReplay&)> on_webhook_replayed;
  /// Fetches a document with a provider's public keys; answers on any thread. Without it, webhooks that need one are
  /// told to come again.
  std::function<void(std::string url, std::function<void(Result<std::string>)>)> fetch_document;
  /// PEM file of the authorities behind providers' certificates; empty: the system's.
  std::string webhook_authorities_file;
  /// The value of a secret by the name of its variable, nothing when it is not configured. Default: the environment,
  /// then the file that `NAME_FILE` names.
  std::function<std::optional<std::string>(const std::string& variable)> secret_of;
  /// The clock for signed timestamps. Default: the system's.
  std::function<Timestamp()> now;
  /// ORCHESTRATOR_API_KEYS: credentials beside the admin key, with a role each.
  std::vector<ApiKey> keys;
  /// Largest bodies, of calls and of batch calls.
  std::uint64_t max_body_bytes = kMaxBodyBytes;
  std::uint64_t max_batch_body_bytes = kMaxBatchBodyBytes;
  /// Proxies (CIDR) whose `X-Forwarded-For` tells the source of a webhook. Default: none, the socket's peer counts.
  std::vector<std::string> trusted_proxies;
};

/// The HTTP contract, version 1, in front of the engine: routing, credentials, codecs, idempotency, webhooks. Knows no
/// sockets; HttpServer (server.hpp) brings the requests.
class Api final : public RequestHandler {
 public:
  /// `service` outlives the Api and every request in flight.
  Api(service::Service& service, ApiOptions options);
  ~Api() override;

  Admission admit(const Request& head) override;
  void handle(Request request, Answer answer) override;
  Response refuse(int status, const std::string& path) override;
  /// Readiness says no from now on, and who waits (`?wait=`) is answered with what is known.
  void drain() override;

  /// What is offered, for the test that compares it with the OpenAPI document.
  [[nodiscard]] const Router& router() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace orchestrator::api
