#include "orchestrator/tools/demo_story.hpp"

#include <cstdio>
#include <optional>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::tools {

namespace {

std::optional<Timestamp> time_of_item(const Json& item) {
  const auto time = parse_rfc3339(string_member(item, "at"));
  return time ? std::optional(*time) : std::nullopt;
}

std::string attempt_of(const Json& item) {
  const Json attempt = item.value("attempt", Json());
  return attempt.is_number_integer() && attempt.get<int>() > 1 ? ", attempt " + dump_json(attempt) : "";
}

/// What an item says to a reader, or nothing for the items that only repeat another.
std::optional<std::string> sentence(const Json& item) {
  const std::string type = string_member(item, "type");
  const std::string state = string_member(item, "state_name");
  const auto error = [&item] { return string_member(item, "error") + ": " + string_member(item, "cause"); };
  if (type == "TaskScheduled") return state + ": " + string_member(item, "handler") + attempt_of(item);
  if (type == "TaskFailed") return state + ": failed, " + error();
  if (type == "TaskTimedOut") return state + ": no answer in time";
  if (type == "TaskLost") return state + ": its worker is gone, handed out again";
  if (type == "InquiryScheduled") return state + ": asks what became of the last attempt";
  if (type == "SignalAwaited") {
    const std::string until = string_member(item, "until");
    return state + ": waits" + (until.empty() ? "" : " until " + until);
  }
  if (type == "SignalConsumed") {
    return state + ": " + string_member(item.value("output", Json::object()), "name", "a signal") + " arrived";
  }
  if (type == "SignalTimedOut") return state + ": nothing came in time";
  if (type == "ChildRequested") return state + ": starts a child";
  if (type == "ChoiceStateExited" || type == "PassStateExited") return std::nullopt;
  if (type == "ExecutionSucceeded") return "succeeded: " + dump_json(item.value("output", Json()));
  if (type == "ExecutionFailed" || type == "ExecutionTimedOut" || type == "ExecutionAborted")
    return type + " " + error();
  return std::nullopt;
}

}  // namespace

std::string tell_story(const Json& run, const Json& items) {
  std::string story =
      string_member(run, "workflow") + " " + string_member(run, "key") + " (" + string_member(run, "run_id") + ")\n";
  std::optional<Timestamp> begin;
  for (const Json& item : items) {
    const auto at = time_of_item(item);
    if (!begin) begin = at;
    const auto words = sentence(item);
    if (!words) continue;
    const double seconds = at && begin ? std::chrono::duration<double>(*at - *begin).count() : 0;
    char offset[32];
    std::snprintf(offset, sizeof offset, "  %8.3f s  ", seconds);
    story += offset + *words + "\n";
  }
  return story;
}

}  // namespace orchestrator::tools
