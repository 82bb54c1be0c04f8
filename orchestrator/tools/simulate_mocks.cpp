#include "orchestrator/tools/simulate_mocks.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "orchestrator/language/pointer.hpp"

namespace orchestrator::tools {
namespace {

constexpr const char* kDefaultNow = "2026-01-01T00:00:00.000Z";

Unexpected invalid(const std::string& why) {
  return fail(ErrorCode::invalid_argument, "invalid-mocks", "mocks: " + why);
}

Result<std::optional<std::string>> optional_text(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string()) return invalid(std::string("'") + name + "' must be a string or null");
  return std::optional<std::string>(found->get<std::string>());
}

bool is_true(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

using Faults = std::vector<FaultDetail>;

void note_unknown(const Json& object, std::initializer_list<std::string_view> known, const std::string& pointer,
                  Faults& faults) {
  if (!object.is_object()) return;  // reported by whoever reads it
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string place = language::below(pointer, name);
    faults.push_back({.pointer = place, .code = "unknown_member", .message = place + " is not known here"});
  }
}

/// A misspelt member would otherwise leave out what its author meant, and the simulation would prove nothing.
Status check_members(const Json& document) {
  Faults faults;
  note_unknown(document, {"version", "now", "context", "tasks", "signals"}, "", faults);
  if (const auto tasks = document.find("tasks"); tasks != document.end() && tasks->is_object()) {
    for (const auto& [state, entries] : tasks->items()) {
      const std::string place = language::below("/tasks", state);
      for (std::size_t i = 0; entries.is_array() && i < entries.size(); ++i) {
        note_unknown(entries[i], {"return", "expect_input", "error", "cause", "timed_out", "hang"},
                     language::below(place, i), faults);
      }
    }
  }
  if (const auto signals = document.find("signals"); signals != document.end() && signals->is_array()) {
    for (std::size_t i = 0; i < signals->size(); ++i) {
      note_unknown((*signals)[i], {"at", "name", "key", "payload"}, language::below("/signals", i), faults);
    }
  }
  if (faults.empty()) return {};
  Error error(ErrorCode::invalid_argument, "invalid-mocks", "mocks: " + faults.front().message);
  error.faults = std::move(faults);
  return error;
}

Result<MockAnswer> read_answer(const Json& entry, const std::string& where) {
  if (!entry.is_object()) return invalid(where + " must be an object");
  MockAnswer answer;
  if (entry.contains("expect_input")) answer.expect_input = entry["expect_input"];
  if (is_true(entry, "timed_out") || is_true(entry, "hang")) {
    answer.answers = false;
    return answer;
  }
  if (entry.contains("return")) {
    answer.output = entry["return"];
    return answer;
  }
  if (!entry.contains("error")) return invalid(where + " needs one of return, error, timed_out, hang");
  auto error = optional_text(entry, "error");
  if (!error) return std::move(error).error();
  auto cause = optional_text(entry, "cause");
  if (!cause) return std::move(cause).error();
  answer.error = *error;
  answer.cause = *cause;
  return answer;
}

Result<MockSignal> read_signal(const Json& entry, Timestamp start, const std::string& where) {
  if (!entry.is_object()) return invalid(where + " must be an object");
  MockSignal signal;
  const auto at = entry.find("at");
  if (at == entry.end() || !at->is_number() || at->get<double>() < 0)
    return invalid(where + "/at must be seconds from the start");
  signal.at = start + Duration{static_cast<std::int64_t>(at->get<double>() * 1'000'000)};
  signal.name = string_member(entry, "name");
  if (signal.name.empty()) return invalid(where + "/name is missing");
  const auto key = entry.find("key");
  if (key != entry.end() && !key->is_null()) signal.key = key->is_string() ? key->get<std::string>() : dump_json(*key);
  const auto payload = entry.find("payload");
  signal.payload = make_payload(payload == entry.end() ? Json(nullptr) : *payload);
  return signal;
}

}  // namespace

Result<Mocks> Mocks::read(const std::optional<Json>& source) {
  Mocks mocks;
  const Json document = source.value_or(Json::object());
  if (!document.is_object()) return invalid("the document must be an object");
  if (const Status known = check_members(document); !known) return known.error();
  const auto version = document.find("version");
  if (version != document.end() && *version != 1) return invalid("only version 1 is known");

  const auto start = optional_text(document, "now");
  if (!start) return start.error();
  const auto now = parse_rfc3339(start->value_or(kDefaultNow));
  if (!now) return invalid("'now' " + now.error().message);
  mocks.now_ = *now;
  if (const auto context = document.find("context"); context != document.end()) {
    if (!context->is_object()) return invalid("'context' must be an object");
    mocks.context_ = make_payload(*context);
  }
  if (const auto tasks = document.find("tasks"); tasks != document.end()) {
    if (!tasks->is_object()) return invalid("'tasks' must be an object");
    for (const auto& [state, entries] : tasks->items()) {
      if (!entries.is_array()) return invalid("tasks/" + state + " must be an array");
      auto& answers = mocks.answers_[state];
      for (const Json& entry : entries) {
        auto answer = read_answer(entry, "tasks/" + state + "/" + std::to_string(answers.size()));
        if (!answer) return std::move(answer).error();
        answers.push_back(*std::move(answer));
      }
    }
  }
  if (const auto signals = document.find("signals"); signals != document.end()) {
    if (!signals->is_array()) return invalid("'signals' must be an array");
    for (const Json& entry : *signals) {
      auto signal = read_signal(entry, mocks.now_, "signals/" + std::to_string(mocks.signals_.size()));
      if (!signal) return std::move(signal).error();
      const auto after = std::upper_bound(mocks.signals_.begin(), mocks.signals_.end(), signal->at,
                                          [](Timestamp at, const MockSignal& other) { return at < other.at; });
      mocks.signals_.insert(after, *std::move(signal));
    }
  }
  return mocks;
}

MockAnswer Mocks::next_answer(const std::string& state, const Json& input) {
  auto& answers = answers_[state];
  const auto fits = [&](const MockAnswer& answer) {
    return !answer.used && answer.expect_input && *answer.expect_input == input;
  };
  auto found = std::find_if(answers.begin(), answers.end(), fits);
  if (found == answers.end()) {
    found = std::find_if(answers.begin(), answers.end(), [](const MockAnswer& answer) { return !answer.used; });
  }
  if (found == answers.end()) {
    MockAnswer exhausted;
    exhausted.error = "Mock.Exhausted";
    exhausted.cause = "the mocks have no answer left for state '" + state + "'";
    return exhausted;
  }
  found->used = true;
  return *found;
}

}  // namespace orchestrator::tools
