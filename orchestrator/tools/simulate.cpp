#include "orchestrator/tools/simulate.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "orchestrator/core/history_items.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/core/run.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/language/parse.hpp"
#include "orchestrator/tools/simulate_mocks.hpp"

namespace orchestrator::tools {
namespace {

/// The service's default for a task without TimeoutSeconds.
constexpr std::int64_t kDefaultTimeoutSeconds = 99'999'999;

RunHeader header_of(const SimulateRequest& request, const Mocks& mocks) {
  RunHeader header;
  header.id = request.run_id.value_or(kSimulatedRunId);
  header.namespace_name = kSimulatedNamespace;
  header.workflow = kSimulatedWorkflow;
  header.version = 1;
  header.input = make_payload(request.input.value_or(Json::object()));
  header.created_at = mocks.now();
  return header;
}

core::Limits limits_of(const SimulateRequest& request) {
  core::Limits limits;
  limits.max_transitions_per_decision = request.max_steps;
  return limits;
}

/// One run between its mocks and its virtual clock.
class Simulation {
 public:
  Simulation(const SimulateRequest& request, language::DefinitionPtr definition, Mocks mocks)
      : definition_(std::move(definition)),
        mocks_(std::move(mocks)),
        planner_(simulated_functions(), limits_of(request)),
        run_(header_of(request, mocks_), definition_),
        now_(mocks_.now()),
        max_steps_(request.max_steps) {
    run_.override_context(mocks_.context());
  }

  Json run() {
    take(planner_.start(run_, inputs()));
    while (!is_closed(run_.state()) && gave_up_.empty()) {
      if (++steps_ > max_steps_) {
        gave_up_ = "more than " + std::to_string(max_steps_) + " steps";
      } else if (!answers_.empty()) {
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        decide(answer);
      } else if (!offer_buffered() && !advance()) {
        gave_up_ = "the run waits for what the mocks never bring: " + dump_json(run_.waiting_on());
      }
    }
    return report();
  }

  std::vector<HistoryEvent> take_events() { return std::move(events_); }

 private:
  struct Unanswered {
    core::TaskRef task;
    Timestamp deadline;
  };

  core::Inputs inputs() { return core::Inputs{.now = now_, .seed = ++seed_}; }

  void decide(const core::Event& event) {
    auto decision = planner_.decide(run_, event, inputs());
    // A refusal is an answer that came too late, as it does in life.
    if (decision) take(*std::move(decision));
  }

  void take(core::Decision decision) {
    events_.insert(events_.end(), decision.events.begin(), decision.events.end());
    for (const core::Command& command : decision.commands) {
      std::visit([&](const auto& kind) { carry_out(kind); }, command);
    }
  }

  void carry_out(const core::ScheduleTask& command) {
    const std::string mocked = command.task.inquiry ? command.state_name + "/Inquire" : command.state_name;
    if (!command.task.inquiry) note_input(command.state_name, command.input);
    const MockAnswer answer = mocks_.next_answer(mocked, json_of(command.input));
    if (!answer.answers) {
      std::int64_t seconds = command.timeout_seconds.value_or(kDefaultTimeoutSeconds);
      if (command.heartbeat_seconds) seconds = std::min(seconds, *command.heartbeat_seconds);
      answers_.emplace_back(core::TaskStarted{.task = command.task, .worker = {}});
      unanswered_.push_back({command.task, now_ + std::chrono::seconds{seconds}});
      return;
    }
    core::TaskFinished finished{.task = command.task, .outcome = {}, .worker = {}, .started_at = now_};
    if (answer.output) {
      finished.outcome = Outcome::completed(make_payload(*answer.output));
    } else {
      finished.outcome.kind = Outcome::Kind::failed;
      finished.outcome.error = answer.error;
      finished.outcome.cause = answer.cause;
    }
    answers_.emplace_back(std::move(finished));
  }

  void carry_out(const core::CancelTask& command) {
    std::erase_if(unanswered_, [&](const Unanswered& task) { return task.task == command.task; });
  }

  void carry_out(const core::AwaitSignal& command) {
    waits_.push_back(command);
    if (!mocks_.has_answers_for(command.state_name)) return;
    const MockAnswer answer = mocks_.next_answer(command.state_name, Json::object());
    if (!answer.output) return;
    core::SignalOffered offered;
    offered.signal_id = next_signal_id();
    offered.name = command.names.front();
    offered.payload = make_payload(*answer.output);
    offered.received_at = now_;
    offered.step = command.step;
    answers_.emplace_back(std::move(offered));
  }

  void carry_out(const core::EndSignalWait& command) {
    std::erase_if(waits_, [&](const core::AwaitSignal& wait) { return wait.step == command.step; });
  }

  void carry_out(const core::StartChild& command) {
    const std::string state = state_of(command.step);
    note_input(state, command.input);
    const RunId child = kSimulatedRunId;
    if (!command.wait || command.replace) {
      answers_.emplace_back(core::ChildStarted{.step = command.step, .child = child});
      return;
    }
    const MockAnswer answer = mocks_.next_answer(state, json_of(command.input));
    if (!answer.answers) {
      answers_.emplace_back(core::ChildStarted{.step = command.step, .child = child});
    } else if (answer.output) {
      answers_.emplace_back(core::ChildStarted{.step = command.step, .child = child});
      core::ChildEnded ended;
      ended.step = command.step;
      ended.child = child;
      ended.output = make_payload(*answer.output);
      answers_.emplace_back(std::move(ended));
    } else {
      answers_.emplace_back(core::ChildRefused{.step = command.step,
                                               .error = answer.error.value_or("States.TaskFailed"),
                                               .cause = answer.cause.value_or("")});
    }
  }

  void carry_out(const core::CancelChild&) {}

  /// Hands the earliest signal that has arrived to the oldest wait that takes it; false when there is no such pair.
  bool offer_buffered() {
    for (auto signal = buffered_.begin(); signal != buffered_.end(); ++signal) {
      const auto takes = [&](const core::AwaitSignal& wait) {
        const bool named = std::find(wait.names.begin(), wait.names.end(), signal->name) != wait.names.end();
        return named && (!signal->key || signal->key == wait.key);
      };
      const auto wait = std::find_if(waits_.begin(), waits_.end(), takes);
      if (wait == waits_.end()) continue;
      core::SignalOffered offered = std::move(*signal);
      buffered_.erase(signal);
      offered.step = wait->step;
      decide(offered);
      return true;
    }
    return false;
  }

  /// Moves the clock to whatever happens next; false when nothing ever will.
  bool advance() {
    std::optional<Timestamp> next = run_.next_timer();
    const auto sooner = [&](Timestamp at) {
      if (!next || at < *next) next = at;
    };
    for (const Unanswered& task : unanswered_) sooner(task.deadline);
    if (next_signal_ < mocks_.signals().size()) sooner(mocks_.signals()[next_signal_].at);
    if (!next) return false;
    now_ = std::max(now_, *next);

    if (next_signal_ < mocks_.signals().size() && mocks_.signals()[next_signal_].at <= now_) {
      receive(mocks_.signals()[next_signal_++]);
      return true;
    }
    const auto expired = std::find_if(unanswered_.begin(), unanswered_.end(),
                                      [&](const Unanswered& task) { return task.deadline <= now_; });
    if (expired != unanswered_.end()) {
      const core::TaskTimedOut timed_out{.task = expired->task, .started_at = std::nullopt};
      unanswered_.erase(expired);
      decide(timed_out);
      return true;
    }
    decide(core::TimersDue{});
    return true;
  }

  void receive(const MockSignal& signal) {
    core::SignalOffered offered;
    offered.signal_id = next_signal_id();
    offered.name = signal.name;
    offered.key = signal.key;
    offered.payload = signal.payload;
    offered.received_at = signal.at;
    buffered_.push_back(std::move(offered));
  }

  SignalId next_signal_id() {
    SignalId id;
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    id.bytes[15] = static_cast<std::uint8_t>(++signal_count_);
    id.bytes[14] = static_cast<std::uint8_t>(signal_count_ >> 8);
    return id;
  }

  std::string state_of(core::StepId step) const {
    for (const HistoryEvent& event : events_) {
      if (event.id == step) return event.state_name;
    }
    return {};
  }

  void note_input(const std::string& state, const Payload& input) {
    Json entry = Json::object();
    entry["state"] = state;
    entry["input"] = json_of(input);
    task_inputs_.push_back(std::move(entry));
  }

  Json report() {
    Json report = Json::object();
    const RunState state = run_.state();
    report["status"] = state == RunState::succeeded   ? "SUCCEEDED"
                       : state == RunState::failed    ? "FAILED"
                       : state == RunState::timed_out ? "TIMED_OUT"
                                                      : "ABORTED";
    if (state == RunState::succeeded) report["output"] = json_of(run_.output());
    if (!gave_up_.empty()) report["cause"] = gave_up_;
    if (const auto error = run_.error()) report["error"] = *error;
    if (const auto cause = run_.cause()) report["cause"] = *cause;
    Json& entered = report["states_entered"] = Json::array();
    for (const HistoryEvent& event : events_) {
      if (!event.state_name.empty()) entered.push_back(event.state_name);
    }
    report["task_inputs"] = std::move(task_inputs_);
    report["events"] = event_items();
    const auto micros = (run_.closed_at().value_or(now_) - mocks_.now()).count();
    report["virtual_seconds"] =
        micros % 1'000'000 == 0 ? Json(micros / 1'000'000) : Json(static_cast<double>(micros) / 1e6);
    return report;
  }

  /// History items in the spelling of the States Language service.
  Json event_items() {
    core::HistoryItems history(planner_, run_.header(), definition_);
    Json list = Json::array();
    auto items = history.add(events_);
    if (!items) return list;
    for (Json& item : *items) {
      const auto rename = [&](const char* ours, const char* theirs) {
        const auto found = item.find(ours);
        if (found == item.end()) return;
        Json value = std::move(*found);
        item.erase(ours);
        item[theirs] = std::move(value);
      };
      rename("seq", "id");
      rename("previous_seq", "previousEventId");
      rename("at", "timestamp");
      rename("state_name", "name");
      rename("assigned_variables", "assignedVariables");
      // The service links the first state to nothing, not to ExecutionStarted.
      if (item["id"] == 2) item["previousEventId"] = 0;
      list.push_back(std::move(item));
    }
    return list;
  }

  language::DefinitionPtr definition_;
  Mocks mocks_;
  core::Planner planner_;
  core::Run run_;
  Timestamp now_;
  int max_steps_;
  int steps_ = 0;
  std::uint64_t seed_ = 0;
  std::uint32_t signal_count_ = 0;
  std::size_t next_signal_ = 0;
  std::string gave_up_;
  std::vector<HistoryEvent> events_;
  Json task_inputs_ = Json::array();
  std::deque<core::Event> answers_;
  std::vector<Unanswered> unanswered_;
  std::vector<core::AwaitSignal> waits_;
  std::deque<core::SignalOffered> buffered_;
};

}  // namespace

language::Functions simulated_functions() {
  language::Functions functions;
  functions.hash = [](std::string_view name, std::string_view data) {
    using digest::Algorithm;
    const Algorithm algorithm = name == "MD5"       ? Algorithm::md5
                                : name == "SHA-1"   ? Algorithm::sha1
                                : name == "SHA-384" ? Algorithm::sha384
                                : name == "SHA-512" ? Algorithm::sha512
                                                    : Algorithm::sha256;
    return digest::hash(algorithm, data);
  };
  return functions;
}

Result<Json> simulate(const SimulateRequest& request) {
  auto run = simulate_run(request);
  if (!run) return std::move(run).error();
  return std::move(run->report);
}

Result<SimulatedRun> simulate_run(const SimulateRequest& request) {
  auto parsed = language::parse_definition(request.definition, {});
  if (!parsed.valid()) {
    Error error(ErrorCode::invalid_argument, "invalid-definition", "the definition is not valid");
    for (const auto& diagnostic : parsed.diagnostics) {
      error.faults.push_back({diagnostic.location, diagnostic.code, diagnostic.message});
    }
    return error;
  }
  auto mocks = Mocks::read(request.mocks);
  if (!mocks) return std::move(mocks).error();
  Simulation simulation(request, parsed.definition, *std::move(mocks));
  SimulatedRun run;
  run.report = simulation.run();
  run.events = simulation.take_events();
  run.definition = parsed.definition;
  return run;
}

}  // namespace orchestrator::tools
