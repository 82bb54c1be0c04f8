#pragma once

#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/runtime/task.hpp"

namespace orchestrator::testing {

/// A ready task for remote workers; `a_remote_task("Charge").in_queue("payments")`.
class RemoteTaskBuilder {
 public:
  explicit RemoteTaskBuilder(std::string name) : name_(std::move(name)) {}

  RemoteTaskBuilder& performed_by(std::string handler) { return set(handler_, std::move(handler)); }
  RemoteTaskBuilder& in_queue(std::string queue) { return set(queue_, std::move(queue)); }
  RemoteTaskBuilder& of_namespace(std::string name) { return set(namespace_, std::move(name)); }
  RemoteTaskBuilder& with_priority(std::int32_t priority) { return set(priority_, priority); }
  RemoteTaskBuilder& on_shard(std::int32_t shard) { return set(shard_, shard); }

  [[nodiscard]] runtime::Task build() const {
    runtime::Task task;
    task.command.state_name = name_;
    task.command.handler = handler_;
    task.command.queue = queue_;
    task.command.priority = priority_;
    task.command.task = {.step = 2, .attempt = 1};
    task.context.namespace_name = namespace_;
    task.context.run_id = RunId{make_uuid7(Timestamp{}, ShardId{shard_}, std::hash<std::string>{}(name_))};
    task.hold = std::make_shared<runtime::TaskHold>();
    return task;
  }

 private:
  template <typename Member, typename Value>
  RemoteTaskBuilder& set(Member& member, Value value) {
    member = std::move(value);
    return *this;
  }

  std::string name_;
  std::string handler_ = "remote";
  std::string queue_ = "default";
  std::string namespace_ = "default";
  std::int32_t priority_ = 0;
  std::int32_t shard_ = 0;
};

inline RemoteTaskBuilder a_remote_task(std::string name) { return RemoteTaskBuilder(std::move(name)); }

}  // namespace orchestrator::testing
