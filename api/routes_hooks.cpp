// POST /hooks/{namespace}/{endpoint}: what providers send. Verified over the raw bytes, then read, then stored together
// with its signal; only then answered.
#include "api/context.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/webhooks/endpoint.hpp"
#include "api/webhooks/source_range.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::api {
namespace {

/// Never says which check failed.
Error forged() { return Error(ErrorCode::precondition_failed, "unauthenticated", "The webhook could not be verified"); }

Error wrong_source() {
  return Error(ErrorCode::precondition_failed, "forbidden", "Webhooks are not accepted from this address");
}

/// Header fields for the delivery's record. Credentials stay out.
Payload kept_headers(const Headers& headers) {
  Json kept = Json::object();
  for (const auto& [name, value] : headers.fields()) {
    const bool is_secret = equals_ignoring_case(name, "Authorization") || equals_ignoring_case(name, "Cookie") ||
                           equals_ignoring_case(name, "Proxy-Authorization") || equals_ignoring_case(name, "apikey");
    kept[name] = is_secret ? std::string{"***"} : value;
  }
  return make_payload(std::move(kept));
}

bool may_send(const webhooks::Endpoint& endpoint, const webhooks::Provider& provider, const std::string& source) {
  const auto& ranges = endpoint.options.allowed_sources ? *endpoint.options.allowed_sources : provider.sources;
  return ranges.empty() || webhooks::is_in_ranges(ranges, source);
}

/// Fills in what the body says; what cannot be read becomes poison, kept under the hash of its bytes.
void read_into(service::WebhookArrival& arrival, const webhooks::Endpoint& endpoint,
               const Result<webhooks::Reading>& reading) {
  if (reading) {
    auto document = parse_json(reading->document);
    auto key = document ? webhooks::key_in(*document, endpoint) : Result<std::string>(document.error());
    if (key) {
      arrival.dedupe_key = reading->dedupe_key;
      arrival.signal_key = std::move(*key);
      arrival.payload = make_payload(std::move(*document));
      arrival.start = endpoint.start;
      return;
    }
  }
  arrival.poison = true;
  arrival.dedupe_key = "poison/" + digest::to_hex(digest::hash(digest::Algorithm::sha256, arrival.body));
}

void keep(Context& context, const CallPtr& call, service::WebhookArrival arrival) {
  const bool poison = arrival.poison;
  const std::string provider = arrival.provider;
  context.service.keep_webhook(
      std::move(arrival), [&context, call, poison, provider](const Result<service::WebhookKept>& kept) {
        if (!kept) return call->fail(kept.error());
        if (context.options.on_webhook_kept) {
          context.options.on_webhook_kept(provider, kept->duplicate ? "duplicate" : poison ? "poison" : "accepted");
        }
        if (poison) {
          return call->fail(
              Error(ErrorCode::invalid_argument, "malformed-webhook", "The webhook is signed but cannot be read"));
        }
        call->respond(Response{});
      });
}

void accept(Context& context, const CallPtr& call, const store::WebhookEndpointRow& row) {
  const webhooks::Provider* provider = webhooks::find_provider(row.provider);
  if (provider == nullptr) {
    return call->fail(Error(ErrorCode::invalid_argument, "not-implemented",
                            "Webhooks of the provider " + row.provider + " cannot be verified yet"));
  }
  const auto endpoint = webhooks::endpoint_of(row);
  if (!endpoint) return call->fail(endpoint.error());
  const auto secrets = webhooks::resolve_secrets(*endpoint, *provider, context.options.secret_of);
  if (!secrets) return call->fail(secrets.error());

  const auto refuse = [&](const Error& error) {
    if (context.options.on_webhook_rejected) context.options.on_webhook_rejected(row.provider);
    call->fail(error);
  };
  const Request& request = call->request;
  if (!may_send(*endpoint, *provider, webhooks::source_of(request, context.options.trusted_proxies)))
    return refuse(wrong_source());
  const webhooks::Arrival raw{.headers = request.headers, .body = request.body, .now = context.options.now()};
  if (!provider->verify(raw, *secrets, endpoint->options)) return refuse(forged());

  service::WebhookArrival arrival{.namespace_name = row.namespace_name,
                                  .endpoint = row.name,
                                  .provider = row.provider,
                                  .signal_name = endpoint->signal_name,
                                  .headers = kept_headers(request.headers),
                                  .body = request.body};
  read_into(arrival, *endpoint, provider->read(raw, endpoint->options));
  keep(context, call, std::move(arrival));
}

void receive_hook(Context& context, const CallPtr& call) {
  const auto namespace_name = name_parameter(*call, 0);
  if (!namespace_name) return call->fail(namespace_name.error());
  const auto name = name_parameter(*call, 1);
  if (!name) return call->fail(name.error());
  context.service.find_webhook_endpoint(*namespace_name, *name,
                                        [&context, call](Result<store::WebhookEndpointRow> row) {
                                          if (!row) return call->fail(row.error());
                                          accept(context, call, *row);
                                        });
}

}  // namespace

void add_hook_routes(Router& router, Context& context) {
  router.add({.method = "POST",
              .pattern = "/hooks/{namespace}/{endpoint}",
              .handle = [&context](const CallPtr& call) { receive_hook(context, call); },
              .access = Access::open});
}

}  // namespace orchestrator::api
