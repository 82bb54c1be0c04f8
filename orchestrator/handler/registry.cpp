#include <utility>

#include "orchestrator/base/names.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator {

Status HandlerRegistry::add(HandlerEntry entry) {
  if (!is_valid_name(entry.name)) return fail(ErrorCode::invalid_argument, "not a handler name: " + entry.name);
  if (static_cast<bool>(entry.plain) == static_cast<bool>(entry.transactional)) {
    return fail(ErrorCode::invalid_argument, "a handler is either plain or transactional: " + entry.name);
  }
  const std::string name = entry.name;
  if (!entries_.emplace(name, std::move(entry)).second) {
    return fail(ErrorCode::already_exists, "two handlers are called " + name);
  }
  return {};
}

const HandlerEntry* HandlerRegistry::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string> HandlerRegistry::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace orchestrator
