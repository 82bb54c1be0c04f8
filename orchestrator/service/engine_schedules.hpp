#pragma once

#include <memory>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/runtime/owners.hpp"
#include "orchestrator/service/deadlines.hpp"
#include "orchestrator/service/schedules.hpp"

namespace orchestrator::service {

/// Schedules on a node: changes go to the owner of the name's shard, reads to the store.
class EngineSchedules final : public Schedules {
 public:
  EngineSchedules(runtime::Node& node, runtime::Owners& owners, store::Store& store,
                  std::shared_ptr<Deadlines> deadlines)
      : node_(node), owners_(owners), store_(store), deadlines_(std::move(deadlines)) {}

  void change(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply) override;
  void find(std::string namespace_name, std::string name,
            std::function<void(Result<store::ScheduleRow>)> reply) override;
  void list(store::ScheduleFilter filter, std::function<void(Result<store::SchedulePage>)> reply) override;
  void preview(std::string namespace_name, std::string name, std::optional<Timestamp> after, std::int32_t count,
               std::function<void(Result<Preview>)> reply) override;
  void fires(std::string namespace_name, std::string name, std::int32_t limit, std::string cursor,
             std::function<void(Result<store::SlotPage>)> reply) override;

 private:
  [[nodiscard]] store::ScheduleRef ref_of(std::string namespace_name, std::string name) const;
  void change_rule(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply);
  void keep_calendar(runtime::ScheduleAnswer answer, const std::string& days,
                     std::function<void(Result<runtime::ScheduleAnswer>)> reply);
  void ask(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply);

  runtime::Node& node_;                   // Fixed after construction.
  runtime::Owners& owners_;               // Fixed after construction.
  store::Store& store_;                   // Fixed after construction.
  std::shared_ptr<Deadlines> deadlines_;  // Fixed after construction; shared with the other use cases.
};

}  // namespace orchestrator::service
