#include "core_driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "orchestrator/core/history_items.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/language/parse.hpp"

namespace orchestrator::core {
namespace {

language::Functions functions() {
  language::Functions functions;
  functions.hash = [](std::string_view algorithm, std::string_view data) {
    return algorithm == "SHA-256" ? digest::hash(digest::Algorithm::sha256, data) : std::string();
  };
  return functions;
}

std::string text_of(const Command& command) {
  if (const auto* task = std::get_if<ScheduleTask>(&command)) {
    return "schedule " + task->state_name + " " + std::to_string(task->task.step) + "/" +
           std::to_string(task->task.attempt) + (task->task.inquiry ? " inquiry " : " ") + task->handler + " " +
           task->queue + " " + task->idempotency_key + " " + dump_json(json_of(task->input));
  }
  if (const auto* wait = std::get_if<AwaitSignal>(&command)) {
    return "await " + wait->state_name + " " + std::to_string(wait->step) + " " + wait->key.value_or("-") + " " +
           std::to_string(wait->names.size());
  }
  if (const auto* child = std::get_if<StartChild>(&command)) {
    return "child " + child->workflow + " " + child->derivation + " " + dump_json(json_of(child->input));
  }
  return "other";
}

std::vector<std::string> texts_of(const std::vector<Command>& commands) {
  std::vector<std::string> texts;
  for (const Command& command : commands) texts.push_back(text_of(command));
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// What an index of a checkpoint stands for; the last of the table is the run's own input, which is index -1.
Json value_at(const Json& table, const Json& index) {
  const auto place = index.get<std::int64_t>();
  return place < 0 ? table.back() : table.at(static_cast<std::size_t>(place));
}

void expand(Json& value, const Json& table) {
  static const std::vector<std::string> kReferences{"value", "input",  "task_input", "inquiry_input",
                                                    "items", "output", "variables",  "results"};
  if (value.is_array()) {
    for (Json& item : value) expand(item, table);
    return;
  }
  if (!value.is_object()) return;
  for (auto& [name, member] : value.items()) {
    const bool refers = std::find(kReferences.begin(), kReferences.end(), name) != kReferences.end();
    if (!refers) {
      expand(member, table);
    } else if (member.is_number_integer()) {
      member = value_at(table, member);
    } else if (member.is_structured()) {
      for (Json& index : member) {
        if (index.is_number_integer()) index = value_at(table, index);
      }
    }
  }
}

}  // namespace

Json expanded(const Run& run) {
  Json copy = run.checkpoint();
  Json table = copy["values"];
  table.push_back(json_of(run.header().input));
  copy.erase("values");
  expand(copy, table);
  return copy;
}

language::DefinitionPtr definition_of(std::string_view text) {
  const auto source = parse_json(text);
  EXPECT_TRUE(source) << "the definition is not JSON";
  if (!source) return nullptr;
  const auto parsed = language::parse_definition(*source, {});
  for (const auto& diagnostic : parsed.diagnostics) {
    EXPECT_EQ(diagnostic.severity, language::Severity::warning) << diagnostic.location << ": " << diagnostic.message;
  }
  ORC_CHECK(parsed.definition, "a test's definition is valid");
  return parsed.definition;
}

RunHeader Driver::a_header(Json input) {
  RunHeader header;
  header.id = *RunId::parse("01890000-0000-7000-8000-000000000001");
  header.namespace_name = "default";
  header.workflow = "orders";
  header.version = 3;
  header.input = make_payload(std::move(input));
  header.created_at = *parse_rfc3339("2026-01-01T00:00:00Z");
  return header;
}

Driver::Driver(std::string_view text, Json input) : Driver(text, a_header(std::move(input))) {}

Driver::Driver(std::string_view text, RunHeader header, Limits limits)
    : planner(functions(), limits), definition(definition_of(text)), run(header, definition), now(header.created_at) {}

Driver& Driver::start() {
  record(planner.start(run, Inputs{.now = now, .seed = seed++}));
  return *this;
}

/// What operators ask for, which can be rehearsed.
static bool is_steering(const Event& event) {
  return std::holds_alternative<EditAsked>(event) || std::holds_alternative<PauseAsked>(event) ||
         std::holds_alternative<ResumeAsked>(event) || std::holds_alternative<SkipAsked>(event);
}

Decision Driver::decide(const Event& event) {
  const Json before = is_steering(event) ? run.checkpoint() : Json();
  const Status rehearsed = is_steering(event) ? planner.rehearse(run, event, {.now = now, .seed = seed}) : Status();
  EXPECT_TRUE(rehearsed) << (rehearsed ? "" : rehearsed.error().message);
  if (is_steering(event)) EXPECT_EQ(before, run.checkpoint()) << "a rehearsal changed the run";
  auto decision = planner.decide(run, event, Inputs{.now = now, .seed = seed++});
  EXPECT_TRUE(decision) << (decision ? "" : decision.error().message);
  if (!decision) return {};
  record(*decision);
  return *decision;
}

Error Driver::refuse(const Event& event) {
  const Json before = run.checkpoint();
  const Status rehearsed = planner.rehearse(run, event, {.now = now, .seed = seed});
  const auto decision = planner.decide(run, event, Inputs{.now = now, .seed = seed++});
  EXPECT_FALSE(decision) << "the event was taken";
  EXPECT_EQ(before, run.checkpoint()) << "a refused event changed the run";
  if (!decision && is_steering(event)) {
    EXPECT_FALSE(rehearsed) << "only the rehearsal took it";
    if (!rehearsed) EXPECT_EQ(rehearsed.error().message, decision.error().message);
  }
  return decision ? Error() : decision.error();
}

Driver& Driver::after_seconds(double seconds) {
  now += Duration{static_cast<std::int64_t>(seconds * 1'000'000)};
  return *this;
}

void Driver::record(const Decision& decision) {
  commands = decision.commands;
  if (!decision.events.empty()) {
    rows_.push_back({decision.events.front().id, decision.events.front().at, encode_events(decision.events)});
    checkpoints_.push_back(run.checkpoint());
    events.insert(events.end(), decision.events.begin(), decision.events.end());
  }
  EXPECT_TRUE(is_closed(run.state()) || !run.waiting_on().empty()) << "an open run waits on nothing";
  check_replay();
}

Run Driver::replayed(std::size_t rows) const {
  Run copy(run.header(), definition);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto decoded = decode_events(rows_[i].text, rows_[i].first, rows_[i].at);
    EXPECT_TRUE(decoded) << rows_[i].text;
    if (!decoded) break;
    const Status replayed = planner.replay(copy, *decoded);
    EXPECT_TRUE(replayed) << (replayed ? "" : replayed.error().message);
  }
  return copy;
}

void Driver::check_replay() const {
  const Run copy = replayed(rows_.size());
  EXPECT_EQ(expanded(copy), expanded(run));
  EXPECT_EQ(texts_of(planner.owed(copy)), texts_of(planner.owed(run)));
  EXPECT_EQ(copy.next_timer(), run.next_timer());
  EXPECT_EQ(copy.at_rest(), run.at_rest());

  const auto restored = Run::restore(run.header(), definition, run.checkpoint());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->checkpoint(), run.checkpoint());
  EXPECT_EQ(texts_of(planner.owed(*restored)), texts_of(planner.owed(run)));
  EXPECT_EQ(restored->next_timer(), run.next_timer());
  EXPECT_EQ(restored->at_rest(), run.at_rest());
}

void Driver::check_checkpoints() const {
  for (std::size_t at = 0; at < checkpoints_.size(); ++at) {
    auto restored = Run::restore(run.header(), definition, checkpoints_[at]);
    ASSERT_TRUE(restored) << restored.error().message;
    for (std::size_t i = at + 1; i < rows_.size(); ++i) {
      const auto decoded = decode_events(rows_[i].text, rows_[i].first, rows_[i].at);
      ASSERT_TRUE(decoded);
      ASSERT_TRUE(planner.replay(*restored, *decoded));
    }
    EXPECT_EQ(expanded(*restored), expanded(run)) << "from the checkpoint after row " << at;
  }
}

std::vector<ScheduleTask> Driver::open_tasks() const {
  std::vector<ScheduleTask> tasks;
  for (const Command& command : planner.owed(run)) {
    if (const auto* task = std::get_if<ScheduleTask>(&command)) tasks.push_back(*task);
  }
  return tasks;
}

bool Driver::has_open_task(const std::string& state) const {
  const auto tasks = open_tasks();
  return std::any_of(tasks.begin(), tasks.end(), [&](const auto& task) { return task.state_name == state; });
}

const ScheduleTask& Driver::open_task(const std::string& state) const {
  static ScheduleTask found;
  found = ScheduleTask{};
  for (const ScheduleTask& task : open_tasks()) {
    if (task.state_name == state) {
      found = task;
      return found;
    }
  }
  ADD_FAILURE() << "no open task of " << state << "; the run is " << to_string(run.state());
  return found;
}

StepId Driver::step_of(const std::string& state) const {
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->state_name == state) return event->id;
  }
  ADD_FAILURE() << state << " was not entered";
  return 0;
}

Decision Driver::finish(const std::string& state, Outcome outcome) {
  return decide(
      TaskFinished{.task = open_task(state).task, .outcome = std::move(outcome), .worker = "w1", .started_at = now});
}

Decision Driver::complete(const std::string& state, Json output) {
  return finish(state, Outcome::completed(make_payload(std::move(output))));
}

Decision Driver::fail(const std::string& state, const std::string& error, const std::string& cause, bool retryable) {
  return finish(state, Outcome::failed(error, cause, retryable));
}

Decision Driver::time_out(const std::string& state) {
  return decide(TaskTimedOut{.task = open_task(state).task, .started_at = std::nullopt});
}

Decision Driver::lose(const std::string& state) { return decide(TaskLost{.task = open_task(state).task}); }

Decision Driver::answer_inquiry(Json answer) {
  for (const ScheduleTask& task : open_tasks()) {
    if (!task.task.inquiry) continue;
    return decide(TaskFinished{.task = task.task,
                               .outcome = Outcome::completed(make_payload(std::move(answer))),
                               .worker = {},
                               .started_at = {}});
  }
  ADD_FAILURE() << "no inquiry is open";
  return {};
}

Decision Driver::signal(const std::string& name, Json payload, std::optional<std::string> key) {
  SignalOffered offered;
  offered.signal_id = *SignalId::parse("01890000-0000-7000-8000-0000000000aa");
  offered.name = name;
  offered.key = std::move(key);
  offered.payload = make_payload(std::move(payload));
  offered.received_at = now;
  return decide(offered);
}

Decision Driver::fire_next_timer() {
  const auto next = run.next_timer();
  EXPECT_TRUE(next) << "no timer is set";
  if (next) now = std::max(now, *next);
  return timers();
}

std::vector<std::string> Driver::types() const {
  std::vector<std::string> all;
  for (const HistoryEvent& event : events) all.emplace_back(to_string(event.type));
  return all;
}

std::string Driver::types_text() const {
  std::string text;
  for (const HistoryEvent& event : events) {
    if (!text.empty()) text += ' ';
    text += to_string(event.type);
    if (!event.state_name.empty()) text += ":" + event.state_name;
  }
  return text;
}

const HistoryEvent& Driver::last(EventType type) const {
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->type == type) return *event;
  }
  ADD_FAILURE() << "no " << to_string(type);
  return events.front();
}

std::size_t Driver::count(EventType type) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const auto& event) { return event.type == type; }));
}

std::vector<Json> Driver::items() const {
  HistoryItems history(planner, run.header(), definition);
  std::vector<Json> all;
  for (const Row& row : rows_) {
    const auto decoded = decode_events(row.text, row.first, row.at);
    EXPECT_TRUE(decoded);
    auto items = history.add(*decoded);
    EXPECT_TRUE(items) << (items ? "" : items.error().message);
    if (items) all.insert(all.end(), items->begin(), items->end());
  }
  return all;
}

}  // namespace orchestrator::core
