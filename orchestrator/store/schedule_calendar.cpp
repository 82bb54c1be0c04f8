#include "orchestrator/store/schedule_calendar.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::store {

std::optional<std::string> calendar_of(const std::string& settings) {
  const auto object = parse_json(settings);
  if (!object || !object->is_object() || !object->contains("calendar")) return std::nullopt;
  std::string name = string_member((*object)["calendar"], "name");
  if (name.empty()) return std::nullopt;
  return name;
}

}  // namespace orchestrator::store
