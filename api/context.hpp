#pragma once

#include <atomic>
#include <utility>

#include "api/api.hpp"
#include "api/event_streams.hpp"
#include "api/identity.hpp"
#include "api/key_ring.hpp"
#include "api/long_polls.hpp"
#include "api/page_session.hpp"
#include "api/webhooks/endpoint_cache.hpp"
#include "api/webhooks/key_cache.hpp"

namespace orchestrator::api {

/// What every route may use. Outlives the routes and the calls.
struct Context {
  Context(service::Service& engine, ApiOptions settings)
      : service(engine),
        options(std::move(settings)),
        authenticator(options.admin_key, options.peer_secret),
        page_sessions(options.peer_secret),
        event_streams(options.max_event_streams, options.on_event_stream),
        endpoints(engine, options.secret_of),
        keys({.fetch = options.fetch_document,
              .now = options.now,
              .authorities_file = options.webhook_authorities_file}) {}

  /// Who shows this credential. unauthenticated (401), or forbidden (403) for a namespace that it does not hold.
  [[nodiscard]] Result<Identity> identify(const Headers& headers) const;

  // Fixed after construction.
  service::Service& service;
  const ApiOptions options;
  const Authenticator authenticator;

  // Safe from any thread.
  PageSessions page_sessions;
  EventStreams event_streams;
  webhooks::EndpointCache endpoints;
  webhooks::KeyCache keys;
  LongPolls long_polls;
  std::atomic<bool> draining{false};
};

}  // namespace orchestrator::api
