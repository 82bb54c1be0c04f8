#pragma once

#include <vector>

#include "orchestrator/service/schedules.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::testing_support {

/// Keeps what it was asked and holds no schedule: for tests of what never reaches one.
class FakeSchedules final : public service::Schedules {
 public:
  [[nodiscard]] std::vector<service::ScheduleChange> changes() const {
    const telemetry::MutexLock lock(mutex_);
    return changes_;
  }

  void change(service::ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply) override {
    runtime::ScheduleAnswer answer;
    answer.row.namespace_name = change.namespace_name;
    answer.row.name = change.name;
    answer.row.settings = schedule::settings_text(change.settings);
    answer.created = true;
    if (change.action == runtime::ScheduleAction::trigger) answer.run_id = change.reserved.value_or(RunId{});
    {
      const telemetry::MutexLock lock(mutex_);
      changes_.push_back(std::move(change));
    }
    reply(std::move(answer));
  }
  void find(std::string /*namespace_name*/, std::string name,
            std::function<void(Result<store::ScheduleRow>)> reply) override {
    reply(fail(ErrorCode::not_found, "no such schedule: " + name));
  }
  void list(store::ScheduleFilter /*filter*/, std::function<void(Result<store::SchedulePage>)> reply) override {
    reply(store::SchedulePage{});
  }
  void preview(std::string /*namespace_name*/, std::string name, std::optional<Timestamp> /*after*/,
               std::int32_t /*count*/, std::function<void(Result<service::Preview>)> reply) override {
    reply(fail(ErrorCode::not_found, "no such schedule: " + name));
  }
  void fires(std::string /*namespace_name*/, std::string name, std::int32_t /*limit*/, std::string /*cursor*/,
             std::function<void(Result<store::SlotPage>)> reply) override {
    reply(fail(ErrorCode::not_found, "no such schedule: " + name));
  }

 private:
  mutable telemetry::Mutex mutex_;
  std::vector<service::ScheduleChange> changes_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::testing_support
