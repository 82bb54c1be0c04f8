#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/core/run.hpp"

namespace orchestrator::core {

/// A definition from its text; the test fails when it is not valid.
language::DefinitionPtr definition_of(std::string_view text);

/// One run with a clock of its own, driven event by event. After every decision it checks that replaying the journal's
/// text gives the same run and the same owed commands, and that a checkpoint reads back as what was written. What an
/// operator asks is rehearsed first: that must say the same and change nothing.
class Driver {
 public:
  explicit Driver(std::string_view definition, Json input = Json::object());
  Driver(std::string_view definition, RunHeader header, Limits limits = {});

  static RunHeader a_header(Json input = Json::object());

  Driver& start();
  /// Applies the event; the test fails when it is refused.
  Decision decide(const Event& event);
  /// The refusal, for events that must not be taken.
  Error refuse(const Event& event);
  Driver& after_seconds(double seconds);

  // Answers for the open task of a state (the first one, when a Map has several).
  Decision complete(const std::string& state, Json output = nullptr);
  Decision fail(const std::string& state, const std::string& error, const std::string& cause = "",
                bool retryable = true);
  Decision finish(const std::string& state, Outcome outcome);
  Decision time_out(const std::string& state);
  Decision lose(const std::string& state);
  Decision answer_inquiry(Json answer);
  Decision signal(const std::string& name, Json payload = nullptr, std::optional<std::string> key = std::nullopt);
  Decision timers() { return decide(TimersDue{}); }
  /// Moves the clock to the next timer and lets it fire.
  Decision fire_next_timer();

  [[nodiscard]] const ScheduleTask& open_task(const std::string& state) const;
  [[nodiscard]] std::vector<ScheduleTask> open_tasks() const;
  [[nodiscard]] bool has_open_task(const std::string& state) const;
  [[nodiscard]] StepId step_of(const std::string& state) const;

  [[nodiscard]] std::vector<std::string> types() const;
  [[nodiscard]] std::string types_text() const;
  [[nodiscard]] const HistoryEvent& last(EventType type) const;
  [[nodiscard]] std::size_t count(EventType type) const;
  [[nodiscard]] const Json output() const { return json_of(run.output()); }
  [[nodiscard]] std::vector<Json> items() const;
  [[nodiscard]] Run replayed(std::size_t rows) const;
  /// Restoring any checkpoint and replaying the rest gives the same run as replaying everything.
  void check_checkpoints() const;

  Planner planner;
  language::DefinitionPtr definition;
  Run run;
  Timestamp now;
  std::uint64_t seed = 1;
  std::vector<HistoryEvent> events;
  std::vector<Command> commands;

 private:
  struct Row {
    EventId first = 0;
    Timestamp at;
    std::string text;
  };
  void record(const Decision& decision);
  void check_replay() const;

  std::vector<Row> rows_;
  std::vector<Json> checkpoints_;
};

/// A checkpoint without its table of shared values, for comparing runs.
Json expanded(const Run& run);

}  // namespace orchestrator::core
