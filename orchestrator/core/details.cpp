#include "orchestrator/core/details.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::core {
namespace detail {

const Json* find(const HistoryEvent& event, const char* name) {
  if (!event.details || !event.details->is_object()) return nullptr;
  const auto found = event.details->find(name);
  return found == event.details->end() ? nullptr : &*found;
}

std::optional<std::int64_t> number(const HistoryEvent& event, const char* name) {
  const Json* value = find(event, name);
  if (!value || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}

std::optional<double> real(const HistoryEvent& event, const char* name) {
  const Json* value = find(event, name);
  if (!value || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<Timestamp> time(const HistoryEvent& event, const char* name) {
  const auto micros = number(event, name);
  if (!micros) return std::nullopt;
  return from_micros(*micros);
}

std::optional<std::string> text(const HistoryEvent& event, const char* name) {
  const Json* value = find(event, name);
  if (!value || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

std::vector<std::string> texts(const HistoryEvent& event, const char* name) {
  std::vector<std::string> all;
  const Json* value = find(event, name);
  if (!value || !value->is_array()) return all;
  for (const Json& item : *value) {
    if (item.is_string()) all.push_back(item.get<std::string>());
  }
  return all;
}

bool flag(const HistoryEvent& event, const char* name) {
  const Json* value = find(event, name);
  return value && value->is_boolean() && value->get<bool>();
}

}  // namespace detail

Payload error_output(const std::optional<std::string>& error, const std::optional<std::string>& cause) {
  Json output = Json::object();
  output["Error"] = error ? Json(*error) : Json(nullptr);
  const bool timed_out = error && *error == "States.Timeout";
  output["Cause"] = cause ? Json(*cause) : timed_out ? Json("") : Json(nullptr);
  return make_payload(std::move(output));
}

std::string shown(const Json& value) { return value.is_string() ? value.get<std::string>() : dump_json(value); }

std::string inner_path(const Scope& scope) {
  std::string path = scope.path;
  if (scope.state) path += scope.state->name;
  if (scope.step.visit > 1) path += "#" + std::to_string(scope.step.visit);
  return path;
}

}  // namespace orchestrator::core
