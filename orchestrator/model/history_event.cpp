#include "orchestrator/model/history_event.hpp"

#include <array>
#include <charconv>
#include <unordered_map>

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

constexpr std::array kTypeNames{
#define ORC_NAME(name) std::string_view(#name),
    ORC_EVENT_TYPES(ORC_NAME)
#undef ORC_NAME
};

void append_number(std::string& text, std::int64_t value) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  text.append(buffer.data(), end.ptr);
}

/// State names and errors come from definitions and handlers: most need no escaping, the rest goes through the library.
void append_text(std::string& text, const std::string& value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F || c == '"' || c == '\\') {
      text += dump_json(Json(value));
      return;
    }
  }
  text += '"';
  text += value;
  text += '"';
}

void append_event(std::string& text, const HistoryEvent& event, Timestamp before) {
  text += R"({"e":")";
  text += to_string(event.type);
  text += '"';
  if (event.previous != event.id - 1) {
    text += R"(,"p":)";
    append_number(text, event.previous);
  }
  if (event.scope != 0) {
    text += R"(,"x":)";
    append_number(text, event.scope);
  }
  if (event.at != before) {
    text += R"(,"at":)";
    append_number(text, (event.at - before).count());
  }
  if (!event.state_name.empty()) {
    text += R"(,"s":)";
    append_text(text, event.state_name);
  }
  if (event.value) {
    text += R"(,"v":)";
    text += dump_json(*event.value);
  }
  if (event.error) {
    text += R"(,"err":)";
    append_text(text, *event.error);
  }
  if (event.cause) {
    text += R"(,"cause":)";
    append_text(text, *event.cause);
  }
  if (event.details) {
    text += R"(,"d":)";
    text += dump_json(*event.details);
  }
  text += '}';
}

Unexpected malformed(const std::string& why) {
  return fail(ErrorCode::internal, "broken-history", "a journal row cannot be read: " + why);
}

Status read_member(HistoryEvent& event, const std::string& name, Json& value, Timestamp at) {
  if (name == "e") {
    const auto type = value.is_string() ? parse_event_type(value.get_ref<const std::string&>()) : std::nullopt;
    if (!type) return malformed("unknown event type");
    event.type = *type;
  } else if (name == "p" || name == "x" || name == "at") {
    if (!value.is_number_integer()) return malformed("'" + name + "' is not an integer");
    const auto number = value.get<std::int64_t>();
    if (name == "p") event.previous = number;
    if (name == "x") event.scope = static_cast<ScopeId>(number);
    if (name == "at") event.at = at + Duration{number};
  } else if (name == "s" || name == "err" || name == "cause") {
    if (!value.is_string()) return malformed("'" + name + "' is not a string");
    auto& text = value.get_ref<std::string&>();
    if (name == "s") event.state_name = std::move(text);
    if (name == "err") event.error = std::move(text);
    if (name == "cause") event.cause = std::move(text);
  } else if (name == "v") {
    event.value = make_payload(std::move(value));
  } else if (name == "d") {
    if (!value.is_object()) return malformed("'d' is not an object");
    event.details = make_payload(std::move(value));
  } else {
    return malformed("unknown member '" + name + "'");
  }
  return {};
}

}  // namespace

std::string_view to_string(EventType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

std::optional<EventType> parse_event_type(std::string_view text) {
  static const auto* const kByName = [] {
    auto* map = new std::unordered_map<std::string_view, EventType>();
    for (std::size_t i = 0; i < kTypeNames.size(); ++i) map->emplace(kTypeNames[i], static_cast<EventType>(i));
    return map;
  }();
  const auto found = kByName->find(text);
  if (found == kByName->end()) return std::nullopt;
  return found->second;
}

std::string encode_events(const std::vector<HistoryEvent>& events) {
  std::string text;
  text.reserve(64 * events.size() + 2);
  text += '[';
  // The row's time is that of its first event; others say how much later than their predecessor they are.
  Timestamp before = events.empty() ? Timestamp{} : events.front().at;
  for (const HistoryEvent& event : events) {
    if (text.size() > 1) text += ',';
    append_event(text, event, before);
    before = event.at;
  }
  text += ']';
  return text;
}

Result<std::vector<HistoryEvent>> decode_events(std::string_view text, EventId first, Timestamp at) {
  // Not parse_json: a payload of the greatest accepted depth sits two levels deeper here.
  Json parsed = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return malformed("not JSON");
  if (!parsed.is_array()) return malformed("not an array");
  std::vector<HistoryEvent> events;
  events.reserve(parsed.size());
  for (Json& item : parsed) {
    if (!item.is_object()) return malformed("an event is not an object");
    HistoryEvent event;
    event.id = first + static_cast<EventId>(events.size());
    event.previous = event.id - 1;
    event.at = at;
    if (!item.contains("e")) return malformed("an event has no type");
    for (auto& [name, value] : item.items()) {
      if (Status read = read_member(event, name, value, at); !read) return std::move(read).error();
    }
    at = event.at;
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace orchestrator
