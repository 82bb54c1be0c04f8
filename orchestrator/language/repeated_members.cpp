#include "orchestrator/language/repeated_members.hpp"

#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

/// Follows the parser through the text; every event that begins a value tells where that value is.
class MemberWatch {
 public:
  bool observe(Json::parse_event_t event, const Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start: open_.push_back({.pointer = next_pointer(), .is_array = false}); break;
      case Json::parse_event_t::array_start: open_.push_back({.pointer = next_pointer(), .is_array = true}); break;
      case Json::parse_event_t::key: see_key(parsed.get<std::string>()); break;
      case Json::parse_event_t::value: next_pointer(); break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end: open_.pop_back(); break;
    }
    return true;
  }

  std::vector<std::string> take() && { return std::move(repeated_); }

 private:
  struct Open {
    std::string pointer;
    bool is_array = false;
    std::size_t elements = 0;
    std::string key;
    std::set<std::string> keys;
  };

  std::string next_pointer() {
    if (open_.empty()) return "";
    Open& parent = open_.back();
    return parent.is_array ? below(parent.pointer, parent.elements++) : below(parent.pointer, parent.key);
  }

  void see_key(std::string key) {
    Open& object = open_.back();
    if (!object.keys.insert(key).second) repeated_.push_back(below(object.pointer, key));
    object.key = std::move(key);
  }

  std::vector<Open> open_;
  std::vector<std::string> repeated_;
};

}  // namespace

std::vector<std::string> find_repeated_members(const std::string& text) {
  MemberWatch watch;
  const auto observe = [&watch](int, Json::parse_event_t event, Json& parsed) { return watch.observe(event, parsed); };
  const Json ignored = Json::parse(text, observe, false);
  return std::move(watch).take();
}

}  // namespace orchestrator::language
