// /hooks/{namespace}/{endpoint}: what providers send. Verified over the raw bytes, then read, then stored together with
// its signals; only then answered.
#include <chrono>

#include "api/context.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/webhooks/reading.hpp"
#include "api/webhooks/source_range.hpp"
#include "orchestrator/digest/digest.hpp"

namespace orchestrator::api {
namespace {

using webhooks::LiveEndpoint;
using webhooks::LiveEndpointPtr;

/// Longest challenge that is given back.
constexpr std::size_t kMaxChallengeBytes = 1024;

/// Never says which check failed.
Error forged() { return Error(ErrorCode::precondition_failed, "unauthenticated", "The webhook could not be verified"); }

Error wrong_source() {
  return Error(ErrorCode::precondition_failed, "forbidden", "Webhooks are not accepted from this address");
}

Error no_keys() {
  return Error(ErrorCode::unavailable, "unavailable", "The provider's public keys are not at hand yet; try again");
}

Error too_large() {
  return Error(ErrorCode::invalid_argument, "payload-too-large", "The body is longer than this provider's may be");
}

bool is_credential(std::string_view header) {
  for (const char* name : {"Authorization", "Proxy-Authorization", "Cookie", "apikey"}) {
    if (equals_ignoring_case(header, name)) return true;
  }
  return false;
}

/// Header fields for the delivery's record. Credentials stay out.
Payload kept_headers(const Headers& headers, const LiveEndpoint& endpoint) {
  std::vector<std::string> hidden;
  if (endpoint.provider->secret_header != nullptr) {
    for (const std::string& secret : *endpoint.secrets) hidden.push_back(endpoint.provider->secret_header(secret));
  }
  Json kept = Json::object();
  for (const auto& [name, value] : headers.fields()) {
    const bool is_hidden =
        std::ranges::any_of(hidden, [&](const auto& one) { return equals_ignoring_case(one, name); });
    kept[name] = is_hidden || is_credential(name) ? std::string{"***"} : value;
  }
  return make_payload(std::move(kept));
}

bool may_send(const LiveEndpoint& endpoint, const std::string& source) {
  const auto& allowed = endpoint.settings.options.allowed_sources;
  const auto& ranges = allowed ? *allowed : endpoint.provider->sources;
  return ranges.empty() || webhooks::is_in_ranges(ranges, source);
}

/// One event's own key; of several, what stands for all of them.
std::string delivery_key(const webhooks::Reading& reading) {
  if (reading.items.size() == 1) return reading.items.front().dedupe_key;
  std::string all;
  for (const webhooks::Item& item : reading.items) all.append(item.dedupe_key).append("\n");
  return "batch/" + webhooks::body_key(all);
}

/// Fills in what the body says. What cannot be read becomes poison, kept under the hash of its bytes; an event without
/// a key concerns nobody here and has no signal.
void read_into(service::WebhookArrival& arrival, const LiveEndpoint& endpoint, Result<webhooks::Reading> reading) {
  if (!reading) {
    arrival.poison = true;
    arrival.reason = reading.error().message;
    arrival.dedupe_key = "poison/" + webhooks::body_key(arrival.body);
    return;
  }
  arrival.dedupe_key = delivery_key(*reading);
  for (webhooks::Item& item : reading->items) {
    auto key = webhooks::key_in(json_of(item.document), endpoint);
    if (key) {
      arrival.signals.push_back({std::move(item.dedupe_key), *std::move(key), std::move(item.document)});
    } else if (arrival.reason.empty()) {
      arrival.reason = key.error().message;
    }
  }
  if (!reading->redacted_body.empty()) arrival.body = std::move(reading->redacted_body);
}

void keep(Context& context, const CallPtr& call, const LiveEndpointPtr& endpoint, service::WebhookArrival arrival,
          std::chrono::steady_clock::time_point begun) {
  const bool poison = arrival.poison;
  context.service.webhooks().keep(
      std::move(arrival), [&context, call, poison, endpoint, begun](const Result<service::WebhookKept>& kept) {
        if (!kept) return call->fail(kept.error());
        if (context.options.on_webhook_kept) {
          const WebhookReport report{.provider = endpoint->provider->name,
                                     .namespace_name = endpoint->namespace_name,
                                     .endpoint = endpoint->name,
                                     .delivery_id = kept->delivery_id,
                                     .verdict = kept->duplicate ? "duplicate"
                                                : poison        ? "poison"
                                                                : "accepted",
                                     .altered = kept->altered,
                                     .duration = std::chrono::steady_clock::now() - begun};
          context.options.on_webhook_kept(report);
        }
        if (poison && endpoint->provider->poison_status == 400) {
          return call->fail(
              Error(ErrorCode::invalid_argument, "malformed-webhook", "The webhook is signed but cannot be read"));
        }
        Response response;
        if (poison) response.status = endpoint->provider->poison_status;
        call->respond(std::move(response));
      });
}

void accept(Context& context, const CallPtr& call, const LiveEndpointPtr& endpoint) {
  const auto begun = std::chrono::steady_clock::now();
  const webhooks::Provider& provider = *endpoint->provider;
  const Request& request = call->request;
  const std::size_t longest = std::max<std::size_t>(provider.max_body_bytes, context.options.max_body_bytes);
  if (request.body.size() > longest) return call->fail(too_large());
  if (!endpoint->secrets) return call->fail(endpoint->secrets.error());

  const auto refuse = [&](const Error& error) {
    if (context.options.on_webhook_rejected) context.options.on_webhook_rejected(std::string{provider.name});
    call->fail(error);
  };
  if (!may_send(*endpoint, webhooks::source_of(request, context.options.trusted_proxies)))
    return refuse(wrong_source());
  webhooks::Arrival raw{.headers = request.headers, .body = request.body, .now = context.options.now()};
  std::shared_ptr<const std::string> keys;
  if (provider.key_need != nullptr) {
    const auto need = provider.key_need(raw, endpoint->settings.options);
    if (!need) return refuse(forged());
    keys = context.keys.find(*need);
    if (!keys) return call->fail(no_keys());
    raw.key_document = keys.get();
  }
  if (!provider.verify(raw, *endpoint->secrets, endpoint->settings.options)) return refuse(forged());

  service::WebhookArrival arrival{.namespace_name = endpoint->namespace_name,
                                  .endpoint = endpoint->name,
                                  .provider = std::string{provider.name},
                                  .signal_name = endpoint->settings.signal_name,
                                  .start = endpoint->settings.start,
                                  .headers = kept_headers(request.headers, *endpoint),
                                  .body = request.body};
  read_into(arrival, *endpoint, webhooks::read_events(provider, raw, endpoint->settings.options));
  keep(context, call, endpoint, std::move(arrival), begun);
}

void find_endpoint(Context& context, const CallPtr& call, std::function<void(const LiveEndpointPtr&)> found) {
  const auto namespace_name = name_parameter(*call, 0);
  if (!namespace_name) return call->fail(namespace_name.error());
  const auto name = name_parameter(*call, 1);
  if (!name) return call->fail(name.error());
  context.endpoints.find(*namespace_name, *name,
                         [call, found = std::move(found)](const Result<LiveEndpointPtr>& endpoint) {
                           if (!endpoint) return call->fail(endpoint.error());
                           found(*endpoint);
                         });
}

void receive(Context& context, const CallPtr& call) {
  find_endpoint(context, call, [&context, call](const LiveEndpointPtr& endpoint) { accept(context, call, endpoint); });
}

/// Evolution can be told to put the event's name behind the address; the body has it too.
void receive_named_event(Context& context, const CallPtr& call) {
  find_endpoint(context, call, [&context, call](const LiveEndpointPtr& endpoint) {
    if (endpoint->provider->name == "evolution") return accept(context, call, endpoint);
    call->fail(Error(ErrorCode::not_found, "no-such-route", "There is nothing at " + call->request.path));
  });
}

Response method_not_allowed(const CallPtr& call) {
  const Error error(ErrorCode::invalid_argument, "method-not-allowed", call->request.method + " is not offered here");
  Response response = problem_response(error, call->request.path);
  response.headers.emplace_back("Allow", "POST");
  return response;
}

/// WhatsApp asks once, when the address is registered: who knows the token gets the challenge back.
void answer_challenge(const CallPtr& call, const LiveEndpointPtr& endpoint) {
  if (endpoint->provider->name != "whatsapp") return call->respond(method_not_allowed(call));
  if (!endpoint->verify_token) return call->fail(endpoint->verify_token.error());
  QueryReader query(call->request.query);
  const std::string mode = query.text("hub.mode").value_or("");
  const std::string token = query.text("hub.verify_token").value_or("");
  const std::string challenge = query.text("hub.challenge").value_or("");
  const std::string& expected = *endpoint->verify_token;
  if (mode != "subscribe" || expected.empty() || challenge.size() > kMaxChallengeBytes ||
      !digest::equal_constant_time(token, expected)) {
    return call->fail(Error(ErrorCode::precondition_failed, "forbidden", "The registration could not be verified"));
  }
  Response response;
  response.content_type = "text/plain";
  response.body = challenge;
  call->respond(std::move(response));
}

void challenge(Context& context, const CallPtr& call) {
  find_endpoint(context, call, [call](const LiveEndpointPtr& endpoint) { answer_challenge(call, endpoint); });
}

}  // namespace

void add_hook_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const auto add = [&](const char* method, const char* pattern, std::function<void(CallPtr)> handle) {
    router.add({.method = method,
                .pattern = pattern,
                .handle = std::move(handle),
                .access = Access::open,
                .body_size = BodySize::webhook});
  };
  add("POST", "/hooks/{namespace}/{endpoint}", bind(receive));
  add("POST", "/hooks/{namespace}/{endpoint}/{event}", bind(receive_named_event));
  add("GET", "/hooks/{namespace}/{endpoint}", bind(challenge));
}

}  // namespace orchestrator::api
