#include "orchestrator/app/run_tables.hpp"

#include <array>
#include <iomanip>
#include <optional>
#include <ostream>
#include <string>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::app {
namespace {

/// Longest value in a table of many rows; `show` and JSON have the rest.
constexpr std::size_t kMaxCellBytes = 100;

std::string shortened(std::string text) {
  if (text.size() <= kMaxCellBytes) return text;
  std::size_t end = kMaxCellBytes;
  // Not in the middle of a character.
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

/// "signal paid (key 42) until ..." instead of JSON.
std::string describe_wait(const Json& wait) {
  std::string text = cell(wait, "kind");
  for (const char* member : {"state_name", "names", "key", "queue", "handler", "run_id", "attempt", "until"}) {
    const auto found = wait.find(member);
    if (found == wait.end() || found->is_null()) continue;
    text += std::string(" ") + (std::string(member) == "state_name" ? "in" : member) + " " + cell(wait, member);
  }
  return text;
}

std::string describe_waits(const Json& run) {
  std::string text;
  for (const Json& wait : run.value("waiting_on", Json::array())) {
    if (!text.empty()) text += "; ";
    text += describe_wait(wait);
  }
  return text.empty() ? "-" : text;
}

std::string describe_error(const Json& run) {
  const auto error = run.find("error");
  if (error == run.end() || !error->is_object()) return "-";
  const std::string cause = cell(*error, "cause");
  return cell(*error, "error") + (cause == "-" ? "" : ": " + cause);
}

void line(std::ostream& out, const std::string& name, const std::string& value) {
  out << std::left << std::setw(16) << name << value << "\n";
}

/// "12 ms", "3.250 s", "2 h 05 min": since the event before.
std::string describe_pause(Duration pause) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(pause).count();
  const auto padded = [](std::int64_t number, std::size_t width) {
    const std::string text = std::to_string(number);
    return std::string(width > text.size() ? width - text.size() : 0, '0') + text;
  };
  if (milliseconds < 1'000) return std::to_string(milliseconds) + " ms";
  const std::int64_t seconds = milliseconds / 1'000;
  if (seconds < 60) return std::to_string(seconds) + "." + padded(milliseconds % 1'000, 3) + " s";
  if (seconds < 3'600) return std::to_string(seconds / 60) + " min " + padded(seconds % 60, 2) + " s";
  return std::to_string(seconds / 3'600) + " h " + padded(seconds / 60 % 60, 2) + " min";
}

/// What distinguishes this item from others of its type.
std::string describe_event(const Json& item) {
  std::string text;
  for (const auto& [name, value] : item.items()) {
    if (name == "seq" || name == "previous_seq" || name == "at" || name == "type" || name == "state_name") continue;
    if (value.is_null()) continue;
    if (!text.empty()) text += " ";
    text += name + "=" + shortened(value.is_string() ? value.get<std::string>() : dump_json(value));
  }
  return text;
}

}  // namespace

void print_run(const Json& run, std::ostream& out) {
  static constexpr std::array kPlain = {"run_id",   "workflow",      "version",    "key",        "state",    "priority",
                                        "attempts", "parent_run_id", "created_at", "started_at", "closed_at"};
  for (const char* member : kPlain) {
    const std::string value = cell(run, member);
    if (value != "-") line(out, member, value);
  }
  if (const std::string waits = describe_waits(run); waits != "-") line(out, "waiting_on", waits);
  const auto attributes = run.find("attributes");
  if (attributes != run.end() && attributes->is_object() && !attributes->empty()) {
    line(out, "attributes", dump_json(*attributes));
  }
  if (const std::string error = describe_error(run); error != "-") line(out, "error", error);
  for (const char* member : {"input", "output"}) {
    const auto value = run.find(member);
    if (value != run.end() && !value->is_null()) line(out, member, dump_json(*value));
  }
}

void print_runs(const Json& page, std::ostream& out) {
  Table table({"RUN", "WORKFLOW", "KEY", "STATE", "CREATED", "WAITING ON OR ERROR"});
  for (const Json& run : page.value("items", Json::array())) {
    const std::string error = describe_error(run);
    table.add({cell(run, "run_id"), cell(run, "workflow"), cell(run, "key"), cell(run, "state"),
               cell(run, "created_at"), shortened(error == "-" ? describe_waits(run) : error)});
  }
  table.print(out);
  if (const std::string next = cell(page, "next_cursor"); next != "-") out << "\nmore: --cursor " << next << "\n";
}

void print_history(const Json& items, std::ostream& out) {
  Table table({"SEQ", "AT", "AFTER", "TYPE", "STATE", "DETAILS"});
  std::optional<Timestamp> before;
  for (const Json& item : items) {
    const auto at = parse_rfc3339(string_member(item, "at"));
    table.add({cell(item, "seq"), cell(item, "at"), before && at ? describe_pause(*at - *before) : "-",
               cell(item, "type"), cell(item, "state_name"), describe_event(item)});
    before = at ? std::optional(*at) : std::nullopt;
  }
  table.print(out);
}

void print_members(const Json& object, std::ostream& out) {
  if (!object.is_object()) return;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null()) line(out, name, cell(object, name.c_str()));
  }
}

}  // namespace orchestrator::app
