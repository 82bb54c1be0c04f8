#pragma once

#include <optional>
#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/model/audit_entry.hpp"

/// Members of the JSON that nodes and shards send each other: absent means empty.
namespace orchestrator::runtime::members {

template <typename Tag>
inline void put(Json& object, const char* name, const Uuid<Tag>& id) {
  if (!id.is_nil()) object[name] = id.str();
}
inline void put(Json& object, const char* name, const std::optional<std::string>& text) {
  if (text) object[name] = *text;
}
inline void put(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}
inline void put(Json& object, const char* name, const std::optional<Timestamp>& at) {
  if (at) object[name] = to_micros(*at);
}
inline void put(Json& object, const char* name, const Payload& payload) {
  if (payload) object[name] = *payload;
}
inline void put(Json& object, const char* name, const std::optional<AuditEntry>& audit) {
  if (audit) object[name] = to_json(*audit);
}

template <typename Tag>
Uuid<Tag> get_id(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  auto id = Uuid<Tag>::parse(found->get<std::string>());
  return id ? *id : Uuid<Tag>{};
}
inline std::optional<std::string> get_optional(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  return found->get<std::string>();
}
inline std::string get_text(const Json& object, const char* name) { return object.value(name, std::string{}); }
inline Payload get_payload(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : make_payload(*found);
}
inline std::optional<std::int64_t> get_integer(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  return found->get<std::int64_t>();
}
inline std::optional<Timestamp> get_time(const Json& object, const char* name) {
  const auto micros = get_integer(object, name);
  if (!micros) return std::nullopt;
  return from_micros(*micros);
}
inline std::optional<AuditEntry> get_audit(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  return audit_entry_from(*found);
}
inline std::optional<RunId> get_run(const Json& object, const char* name) {
  if (!object.contains(name)) return std::nullopt;
  return get_id<RunTag>(object, name);
}

}  // namespace orchestrator::runtime::members
