#include "orchestrator/app/run_tables.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <ostream>
#include <string>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/app/run_words.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::app {
namespace {

/// Longest value in a table of many rows; `show` and JSON have the rest.
constexpr std::size_t kMaxCellWidth = 100;
constexpr std::size_t kNameWidth = 12;

/// A name and its value, which may take several lines; the lines below the first begin where it does.
class Members {
 public:
  Members(std::ostream& out, const Page& page) : out_(out), page_(page) {}

  void add(const std::string& name, const std::string& value, Tone tone = Tone::plain) {
    if (value == "-" || value.empty()) return;
    const std::size_t room = page_.columns > kNameWidth * 2 ? page_.columns - kNameWidth : 0;
    std::string begin = page_.paint(padded(name, kNameWidth), Tone::faint);
    for (const std::string& text : wrapped(without_controls(value), room)) {
      out_ << begin << page_.paint(text, tone) << "\n";
      begin.assign(kNameWidth, ' ');
    }
  }

  /// On a page wide values stand line by line; in a pipe they stay on one.
  void add_json(const std::string& name, const Json& value) {
    if (value.is_null()) return;
    const std::string compact = dump_json(value);
    if (page_.columns == 0 || width_of(compact) + kNameWidth <= page_.columns || !value.is_structured()) {
      return add(name, compact);
    }
    std::string shown = name;
    const std::string pretty = value.dump(2, ' ', false, Json::error_handler_t::replace);
    for (std::size_t at = 0; at <= pretty.size();) {
      const std::size_t end = std::min(pretty.find('\n', at), pretty.size());
      add(shown, pretty.substr(at, end - at));
      shown.clear();
      at = end + 1;
    }
  }

 private:
  std::ostream& out_;
  const Page& page_;
};

/// "2026-11-20T19:55:02.123Z (4 min 05 s ago)".
std::string moment(const Json& run, const char* member, const Page& page) {
  const std::string text = string_member(run, member);
  return text.empty() ? text : text + " (" + relative_to(page.now, text) + ")";
}

std::string time_between(const Json& run, const char* from, const char* to, const char* before) {
  const auto begin = parse_rfc3339(string_member(run, from));
  const auto end = parse_rfc3339(string_member(run, to));
  return begin && end ? before + in_words(*end - *begin) : "";
}

void add_error(Members& members, const Json& run) {
  const std::string error = error_in_words(run);
  if (error == "-") return;
  members.add("error", error, Tone::bad);
  if (string_member(run, "dead_letter") == "open") {
    members.add("", "a dead letter: nobody has dealt with it. To try again:", Tone::warning);
    members.add("", "orchestrator dead-letter retry " + cell(run, "run_id"));
  }
}

void add_job(Members& members, const Json& run) {
  members.add("handler", cell(run, "handler"));
  members.add("queue", cell(run, "queue"));
  for (const char* key : {"order_key", "concurrency_key", "rate_key"}) members.add(key, cell(run, key));
}

void add_attempts(Members& members, const Json& run) {
  const std::string most = cell(run, "max_attempts");
  const std::string attempts = cell(run, "attempts");
  if (attempts != "0") members.add("attempts", attempts + (most == "-" ? "" : " of " + most));
}

void add_relatives(Members& members, const Json& run) {
  members.add("parent", cell(run, "parent_run_id"));
  members.add("before it", cell(run, "predecessor_run_id"));
  members.add("after it", cell(run, "successor_run_id"));
  if (const auto attributes = run.find("attributes"); attributes != run.end() && !attributes->empty()) {
    members.add_json("attributes", *attributes);
  }
  if (const auto discarded = run.find("discarded"); discarded != run.end()) members.add_json("discarded", *discarded);
}

bool is_failure(const std::string& type) {
  return type.ends_with("Failed") || type.ends_with("TimedOut") || type.ends_with("Aborted") || type == "TaskLost";
}

/// What distinguishes this item from others of its type: why it failed first, then what is its own. On a page without
/// what the handler's name says already.
std::string describe_event(const Json& item, const Page& page) {
  static constexpr std::array kFirst = {"error",   "cause",  "retry_at", "attempt", "worker",
                                        "handler", "reason", "actor",    "input",   "output"};
  static constexpr std::array kElsewhere = {"seq", "previous_seq", "at", "type", "state_name", "scope"};
  static constexpr std::array kFurther = {"resource", "queue", "idempotency_key"};
  std::string text;
  const auto add = [&](const std::string& name, const Json& value) {
    if (value.is_null()) return;
    const std::string shown = value.is_string() ? value.get<std::string>() : dump_json(value);
    text += (text.empty() ? "" : " ") + name + "=" + shortened(shown, kMaxCellWidth);
  };
  for (const char* name : kFirst) {
    if (const auto found = item.find(name); found != item.end()) add(name, *found);
  }
  for (const auto& [name, value] : item.items()) {
    const auto is_name = [&name](const char* other) { return name == other; };
    if (std::ranges::any_of(kFirst, is_name) || std::ranges::any_of(kElsewhere, is_name)) continue;
    if (page.columns != 0 && std::ranges::any_of(kFurther, is_name)) continue;
    add(name, value);
  }
  return text;
}

}  // namespace

void print_run(const Json& run, std::ostream& out, const Page& page) {
  Members members(out, page);
  const std::string state = cell(run, "state");
  const bool is_job = string_member(run, "kind") == "job";
  members.add(is_job ? "job" : "run", cell(run, "run_id"), Tone::strong);
  members.add("state", state, tone_of_state(state));
  add_error(members, run);
  std::string name = "waits for";
  for (const std::string& wait : waits_in_words(run, page.now)) {
    members.add(name, wait, Tone::warning);
    name.clear();
  }
  if (is_job) {
    add_job(members, run);
  } else {
    members.add("workflow", cell(run, "workflow") + ", version " + cell(run, "version"));
  }
  members.add("key", cell(run, "key"));
  if (const std::string priority = cell(run, "priority"); priority != "0") members.add("priority", priority);
  add_attempts(members, run);
  members.add("created", moment(run, "created_at", page));
  members.add("not before", moment(run, "run_at", page));
  members.add("started", moment(run, "started_at", page) + time_between(run, "created_at", "started_at", ", after "));
  members.add("ended", moment(run, "closed_at", page) + time_between(run, "started_at", "closed_at", ", took "));
  add_relatives(members, run);
  for (const char* member : {"input", "output"}) {
    if (const auto value = run.find(member); value != run.end()) members.add_json(member, *value);
  }
  members.add("as of", moment(run, "as_of", page) + (run.contains("as_of") ? ": its owner did not answer" : ""));
}

void print_runs(const Json& list, std::ostream& out, const Page& page) {
  Table table({"RUN", "WORKFLOW", "KEY", "STATE", "CREATED", "WAITING FOR, OR ERROR"});
  for (const Json& run : list.value("items", Json::array())) {
    const std::string error = error_in_words(run);
    const bool failed = error != "-";
    const std::string state = cell(run, "state");
    const std::string created = string_member(run, "created_at");
    table.add({cell(run, "run_id"), cell(run, "workflow"), cell(run, "key"), Cell(state, tone_of_state(state)),
               page.columns == 0 ? created : relative_to(page.now, created),
               Cell(shortened(failed ? error : waits_in_short(run, page.now), kMaxCellWidth),
                    failed ? Tone::bad : Tone::plain)});
  }
  table.print(out, page);
  if (const std::string next = cell(list, "next_cursor"); next != "-") out << "\nmore: --cursor " << next << "\n";
}

void print_history(const Json& items, std::ostream& out, const Page& page) {
  Table table({"SEQ", "AT", "AFTER", "TYPE", "STATE", "DETAILS"});
  std::optional<Timestamp> before;
  std::string day;
  for (const Json& item : items) {
    const std::string text = string_member(item, "at");
    const auto at = parse_rfc3339(text);
    const std::string type = cell(item, "type");
    const bool failed = is_failure(type);
    // On a page the day stands only where it changes, so that there is room for what happened.
    const bool same_day = page.columns != 0 && text.size() > 11 && text.compare(0, 10, day) == 0;
    day = text.substr(0, 10);
    table.add({cell(item, "seq"), same_day ? "  " + text.substr(11) : text,
               before && at ? in_words(*at - *before) : "-", Cell(type, failed ? Tone::bad : Tone::plain),
               cell(item, "state_name"), Cell(describe_event(item, page), failed ? Tone::bad : Tone::faint)});
    before = at ? std::optional(*at) : std::nullopt;
  }
  table.print(out, page);
}

void print_history_item(const Json& item, std::ostream& out) {
  out << cell(item, "seq") << "  " << cell(item, "at") << "  " << cell(item, "type") << "  "
      << cell(item, "state_name");
  const std::string details = describe_event(item, page_of_output());
  if (!details.empty()) out << "  " << details;
  out << "\n" << std::flush;
}

void print_members(const Json& object, std::ostream& out) {
  if (!object.is_object()) return;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null()) out << padded(name, 15) << " " << cell(object, name.c_str()) << "\n";
  }
}

}  // namespace orchestrator::app
