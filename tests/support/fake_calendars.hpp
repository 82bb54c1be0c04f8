#pragma once

#include <map>

#include "orchestrator/schedule/settings.hpp"
#include "orchestrator/service/calendars.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::testing_support {

/// Keeps calendars of one namespace; `busy` is used by a schedule.
class FakeCalendars final : public service::Calendars {
 public:
  void put(std::string namespace_name, schedule::Calendar calendar, Caller /*caller*/,
           std::function<void(Result<store::PutCalendar>)> reply) override {
    store::PutCalendar answer;
    {
      const telemetry::MutexLock lock(mutex_);
      answer.created = !rows_.contains(calendar.name);
      answer.row.namespace_name = std::move(namespace_name);
      answer.row.name = calendar.name;
      answer.row.days = schedule::days_text(calendar);
      rows_[calendar.name] = answer.row;
    }
    reply(std::move(answer));
  }
  void find(std::string /*namespace_name*/, std::string name,
            std::function<void(Result<store::CalendarRow>)> reply) override {
    Result<store::CalendarRow> row = store::no_such_calendar(name);
    {
      const telemetry::MutexLock lock(mutex_);
      if (const auto found = rows_.find(name); found != rows_.end()) row = found->second;
    }
    reply(std::move(row));
  }
  void list(std::string /*namespace_name*/,
            std::function<void(Result<std::vector<store::CalendarRow>>)> reply) override {
    std::vector<store::CalendarRow> rows;
    {
      const telemetry::MutexLock lock(mutex_);
      for (const auto& [name, row] : rows_) rows.push_back(row);
    }
    reply(std::move(rows));
  }
  void remove(std::string /*namespace_name*/, std::string name, Caller /*caller*/,
              std::function<void(Result<void>)> reply) override {
    if (name == "busy") return reply(store::calendar_in_use(name, "nightly"));
    bool is_gone = false;
    {
      const telemetry::MutexLock lock(mutex_);
      is_gone = rows_.erase(name) == 1;
    }
    if (!is_gone) return reply(store::no_such_calendar(name));
    reply({});
  }

 private:
  telemetry::Mutex mutex_;
  std::map<std::string, store::CalendarRow> rows_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::testing_support
