#pragma once

#include <memory>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/runtime/owners.hpp"
#include "orchestrator/service/calendars.hpp"
#include "orchestrator/service/deadlines.hpp"

namespace orchestrator::service {

/// Calendars on a node: rows of the store, whose days the owners of schedules have copies of.
class EngineCalendars final : public Calendars {
 public:
  EngineCalendars(runtime::Owners& owners, store::Store& store, std::shared_ptr<Deadlines> deadlines)
      : owners_(owners), store_(store), deadlines_(std::move(deadlines)) {}

  void put(std::string namespace_name, schedule::Calendar calendar, Caller caller,
           std::function<void(Result<store::PutCalendar>)> reply) override;
  void find(std::string namespace_name, std::string name,
            std::function<void(Result<store::CalendarRow>)> reply) override;
  void list(std::string namespace_name, std::function<void(Result<std::vector<store::CalendarRow>>)> reply) override;
  void remove(std::string namespace_name, std::string name, Caller caller,
              std::function<void(Result<void>)> reply) override;

 private:
  struct Spread;
  void spread(std::shared_ptr<Spread> work);
  void finish(std::shared_ptr<Spread> work);

  runtime::Owners& owners_;               // Fixed after construction.
  store::Store& store_;                   // Fixed after construction.
  std::shared_ptr<Deadlines> deadlines_;  // Fixed after construction; shared with the other use cases.
};

}  // namespace orchestrator::service
