#pragma once

#include <atomic>
#include <utility>

#include "api/api.hpp"
#include "api/identity.hpp"
#include "api/long_polls.hpp"

namespace orchestrator::api {

/// What every route may use. Outlives the routes and the calls.
struct Context {
  Context(service::Service& engine, ApiOptions settings)
      : service(engine), options(std::move(settings)), authenticator(options.admin_key, options.peer_secret) {}

  // Fixed after construction.
  service::Service& service;
  const ApiOptions options;
  const Authenticator authenticator;

  // Safe from any thread.
  LongPolls long_polls;
  std::atomic<bool> draining{false};
};

}  // namespace orchestrator::api
