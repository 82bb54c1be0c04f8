#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/base/json.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Asks the nodes in turn until an answer is not "try again". unavailable when none was within two minutes.
template <typename Answer>
Result<Answer> ask(SimulatedCluster& cluster,
                   const std::function<void(service::Service&, service::Reply<Answer>)>& send) {
  const Duration until = cluster.world.now() + std::chrono::minutes{2};
  while (cluster.world.now() < until) {
    for (const std::string& name : cluster.node_names()) {
      // Shared: the answer may come after this call gave up.
      auto answer = std::make_shared<std::optional<Result<Answer>>>();
      cluster.call(name, [&](service::Service& service) {
        send(service, [answer](Result<Answer> result) { *answer = std::move(result); });
      });
      cluster.world.advance_until([&] { return answer->has_value(); }, std::chrono::seconds{15});
      if (*answer && (**answer || !error_traits((*answer)->error().code).retryable)) return std::move(**answer);
    }
    cluster.world.advance(std::chrono::milliseconds{200});
  }
  return fail(ErrorCode::unavailable, "no answer within the limit");
}

inline service::SendSignal a_signal(const std::string& name, const std::string& key, const std::string& id) {
  service::SendSignal signal;
  signal.namespace_name = "default";
  signal.name = name;
  signal.key = key;
  signal.id = id;
  signal.payload = make_payload(Json{{"id", id}});
  return signal;
}

inline Result<service::SentSignal> send(SimulatedCluster& cluster, const service::SendSignal& signal) {
  return ask<service::SentSignal>(cluster, [&](service::Service& service, service::Reply<service::SentSignal> reply) {
    service.send_signal(signal, std::move(reply));
  });
}

inline Result<service::SentSignal> redirect(SimulatedCluster& cluster, const service::RedirectSignal& request) {
  return ask<service::SentSignal>(cluster, [&](service::Service& service, service::Reply<service::SentSignal> reply) {
    service.redirect_signal(request, std::move(reply));
  });
}

/// As a reader sees it now.
inline store::SignalView signal_view(SimulatedCluster& cluster, SignalId id) {
  auto view = store::memory::find_signal(cluster.tables(), id);
  return view ? *std::move(view) : store::SignalView{};
}

inline bool is_over(SimulatedCluster& cluster, RunId id) {
  const auto& closed = cluster.tables().closed;
  return closed.contains(id);
}

}  // namespace orchestrator::testing
