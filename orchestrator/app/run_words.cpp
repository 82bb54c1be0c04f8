#include "orchestrator/app/run_words.hpp"

#include <array>
#include <utility>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

/// `"paid" or "failed"`.
std::string names_of(const Json& wait) {
  std::string text;
  const auto names = wait.find("names");
  if (names == wait.end() || !names->is_array()) return "-";
  for (const Json& name : *names) {
    if (name.is_string()) text += (text.empty() ? "" : " or ") + quoted(name.get<std::string>());
  }
  return text;
}

std::string list_of(const Json& wait, const char* member) {
  std::string text;
  const auto found = wait.find(member);
  if (found == wait.end() || !found->is_array()) return text;
  for (const Json& item : *found) {
    if (item.is_string()) text += (text.empty() ? "" : ", ") + item.get<std::string>();
  }
  return text;
}

std::string with_key(const Json& wait) {
  const std::string key = cell(wait, "key");
  return key == "-" ? "" : " with key " + key;
}

std::string attempt_of(const Json& wait) {
  const std::string attempt = cell(wait, "attempt");
  if (attempt == "-") return {};
  return (wait.value("inquiry", false) ? "inquiry " : "attempt ") + attempt;
}

std::string decision(const Json& wait) {
  std::string text = "a person to decide " + names_of(wait);
  if (const std::string title = cell(wait, "title"); title != "-") text += " (" + title + ")";
  if (const std::string roles = list_of(wait, "roles"); !roles.empty()) text += " as " + roles;
  return text + with_key(wait);
}

std::string limit(const Json& wait) {
  const std::string name = cell(wait, "limit");
  std::string text = "the limit " + name + " of queue " + cell(wait, "queue");
  if (name == "order_key") text = "the job before it with the same order key";
  return text + with_key(wait);
}

/// What the item is about, without place and times.
std::string subject_of(const Json& wait) {
  const std::string kind = cell(wait, "kind");
  if (kind == "signal") return "signal " + names_of(wait) + with_key(wait);
  if (kind == "decision") return decision(wait);
  if (kind == "timer") return "its time";
  if (kind == "retry") return "its next try (" + attempt_of(wait) + ")";
  if (kind == "child") return "the end of run " + cell(wait, "run_id") + " of " + cell(wait, "workflow");
  if (kind == "worker") {
    if (cell(wait, "handler") == "-") return "its owner to begin it";
    return "a free worker for " + cell(wait, "handler") + " in queue " + cell(wait, "queue");
  }
  if (kind == "step") {
    const std::string worker = cell(wait, "worker");
    return cell(wait, "handler") + ", which " + (worker == "-" ? "a worker" : "worker " + worker) + " has in hand (" +
           attempt_of(wait) + ")";
  }
  if (kind == "limit") return limit(wait);
  if (kind == "queue_paused") return "queue " + cell(wait, "queue") + " to be resumed";
  if (kind == "paused") {
    const std::string actor = cell(wait, "actor");
    return "an operator to resume it" + (actor == "-" ? "" : "; paused by " + actor);
  }
  return kind;
}

/// With place and since when.
std::string beginning_of(const Json& wait, Timestamp now) {
  std::string text = subject_of(wait);
  if (const std::string state = cell(wait, "state_name"); state != "-") text += ", in " + state;
  if (const auto since = parse_rfc3339(string_member(wait, "since"))) text += ", for " + in_words(now - *since);
  return text;
}

}  // namespace

std::string wait_in_words(const Json& wait, Timestamp now) {
  std::string text = beginning_of(wait, now);
  const std::string until = string_member(wait, "until");
  if (!until.empty()) text += ", until " + until + " (" + relative_to(now, until) + ")";
  if (const std::string reason = cell(wait, "reason"); reason != "-") text += ": " + reason;
  return text;
}

std::vector<std::string> waits_in_words(const Json& run, Timestamp now) {
  std::vector<std::string> texts;
  const auto waits = run.find("waiting_on");
  if (waits == run.end() || !waits->is_array()) return texts;
  for (const Json& wait : *waits) texts.push_back(wait_in_words(wait, now));
  return texts;
}

std::string waits_in_short(const Json& run, Timestamp now) {
  std::string text;
  const auto waits = run.find("waiting_on");
  if (waits == run.end() || !waits->is_array()) return "-";
  for (const Json& wait : *waits) text += (text.empty() ? "" : "; ") + beginning_of(wait, now);
  return text.empty() ? "-" : text;
}

std::string error_in_words(const Json& run) {
  const auto error = run.find("error");
  if (error == run.end() || !error->is_object()) return "-";
  const std::string cause = cell(*error, "cause");
  return cell(*error, "error") + (cause == "-" || cause.empty() ? "" : ": " + cause);
}

std::string limits_in_words(const Json& limits) {
  static constexpr std::array<std::pair<const char*, const char*>, 3> kCounts{
      {{"max_in_flight", " in flight"}, {"concurrency_per_key", " in flight per key"}, {"weight", " as weight"}}};
  static constexpr std::array<std::pair<const char*, const char*>, 2> kRates{
      {{"rate", " starts per "}, {"rate_per_key", " starts of a key per "}}};
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!limits.is_object()) return "-";
  for (const auto& [member, words] : kCounts) {
    if (const std::string count = cell(limits, member); count != "-") add(count + words);
  }
  for (const auto& [member, words] : kRates) {
    const auto rate = limits.find(member);
    if (rate == limits.end() || !rate->is_object()) continue;
    add(cell(*rate, "count") + words + cell(*rate, "per_seconds") + " s");
  }
  return text.empty() ? "-" : text;
}

Tone tone_of_state(const std::string& state) {
  if (state == "failed" || state == "timed_out") return Tone::bad;
  if (state == "succeeded") return Tone::good;
  if (state == "cancelled") return Tone::faint;
  if (state == "paused") return Tone::warning;
  return Tone::plain;
}

}  // namespace orchestrator::app
