#pragma once

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/service/operations.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::testing_support {

/// Bulk operations that are noted and never worked on.
class FakeOperations final : public service::Operations {
 public:
  template <typename T>
  using Reply = service::Reply<T>;

  [[nodiscard]] std::vector<service::StartOperation> started() const {
    const telemetry::MutexLock lock(mutex_);
    return started_;
  }

  void start(service::StartOperation request, Reply<service::StartedOperation> reply) override {
    service::StartedOperation started{.operation_id = std::nullopt, .matched = 3, .sample = {}};
    {
      const telemetry::MutexLock lock(mutex_);
      if (!request.dry_run) {
        store::OperationView view;
        view.operation_id = request.id ? store::OperationId{request.id->bytes} : *store::OperationId::parse(kId);
        view.namespace_name = request.namespace_name;
        view.action = request.action;
        view.reason = request.reason;
        view.actor = request.actor;
        view.rate_per_second = request.rate_per_second;
        view.matched = 3;
        started.operation_id = view.operation_id;
        views_.push_back(std::move(view));
      }
      started_.push_back(std::move(request));
    }
    reply(std::move(started));
  }
  void find(std::string namespace_name, store::OperationId operation_id, Reply<store::OperationView> reply) override {
    std::optional<store::OperationView> found;
    {
      const telemetry::MutexLock lock(mutex_);
      for (const auto& view : views_) {
        if (view.namespace_name == namespace_name && view.operation_id == operation_id) found = view;
      }
    }
    if (!found) return reply(Error(ErrorCode::not_found, "no such operation"));
    reply(*std::move(found));
  }
  void list(store::OperationFilter filter, Reply<store::OperationPage> reply) override {
    store::OperationPage page;
    {
      const telemetry::MutexLock lock(mutex_);
      for (const auto& view : views_) {
        if (view.namespace_name == filter.namespace_name) page.items.push_back(view);
      }
    }
    reply(std::move(page));
  }
  void stop(std::string namespace_name, store::OperationId operation_id, Caller caller,
            Reply<store::OperationView> reply) override {
    find(std::move(namespace_name), operation_id,
         [actor = std::move(caller.actor), reply = std::move(reply)](Result<store::OperationView> view) {
           if (view) {
             view->state = store::OperationState::stopped;
             view->ended_by = actor;
           }
           reply(std::move(view));
         });
  }

  static constexpr const char* kId = "01890000-0000-7000-8000-00000000000f";

 private:
  mutable telemetry::Mutex mutex_;
  std::vector<service::StartOperation> started_ ORC_GUARDED_BY(mutex_);
  std::vector<store::OperationView> views_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::testing_support
