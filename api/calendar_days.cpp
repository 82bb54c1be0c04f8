#include "api/calendar_days.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/schedule/settings.hpp"

namespace orchestrator::api {

void read_days(ObjectReader& reader, schedule::Calendar& calendar, std::vector<FaultDetail>& faults) {
  const Json dates = reader.array("dates");
  if (dates.is_array() && dates.size() > schedule::kMaxHolidays) {
    reader.fault("dates", "out_of_range",
                 "must not have more than " + std::to_string(schedule::kMaxHolidays) + " items");
  } else if (dates.is_array()) {
    for (std::size_t i = 0; i < dates.size(); ++i) {
      auto day = schedule::parse_date(dates[i].is_string() ? dates[i].get_ref<const std::string&>() : std::string());
      if (day) {
        calendar.dates.push_back(*day);
      } else {
        faults.push_back({.pointer = deeper_pointer(reader.pointer_to("dates"), std::to_string(i)),
                          .code = "invalid",
                          .message = "must be a date such as 2026-12-25"});
      }
    }
  }
  std::sort(calendar.dates.begin(), calendar.dates.end());
  calendar.dates.erase(std::unique(calendar.dates.begin(), calendar.dates.end()), calendar.dates.end());
  calendar.weekends = reader.boolean("weekends").value_or(false);
}

void write_days(JsonWriter& writer, const schedule::Calendar& calendar) {
  writer.name("dates").begin_array();
  for (const auto day : calendar.dates) writer.text(schedule::date_text(day));
  writer.end_array().member("weekends", calendar.weekends);
}

}  // namespace orchestrator::api
