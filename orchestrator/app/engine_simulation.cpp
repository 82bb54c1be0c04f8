#include "orchestrator/app/engine_simulation.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <utility>

#include "orchestrator/app/mocked_outside.hpp"
#include "orchestrator/app/told_history.hpp"
#include "orchestrator/app/watched_store.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/core/run.hpp"
#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/engine_service.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::app {
namespace {

constexpr const char* kNodeName = "simulation";
/// Before something happens the clock goes step by step, so that owners load their timers as in life (a minute ahead,
/// looked for every 20 s).
constexpr Duration kLead = std::chrono::seconds{90};
/// A run about which nothing at all is due is given up after this long.
constexpr Duration kPatience = std::chrono::minutes{5};
constexpr Duration kAgainAfter = std::chrono::milliseconds{200};
/// Pieces of the world's work in one simulation; a long history takes some hundred thousand.
constexpr std::int64_t kMaxPieces = 50'000'000;
constexpr std::int32_t kCrashesPerEvent = 20;
constexpr std::int32_t kMaxJournalRows = 1'000'000;
/// Deaths are what this is about; no work is to blame for them.
constexpr std::int32_t kNeverPoison = 1'000'000;

void collect_handlers(const language::StateMachine& machine, std::set<std::string>& names) {
  for (const auto& [name, state] : machine.states) {
    if (state.resource.kind == language::Resource::Kind::handler && state.type == language::StateType::task) {
      names.insert(state.resource.name);
    }
    if (state.inquire) names.insert(state.inquire->resource.name);
    for (const auto& branch : state.branches) collect_handlers(*branch, names);
    if (state.item_processor) collect_handlers(*state.item_processor, names);
  }
}

core::Limits limits_of(const tools::SimulateRequest& request) {
  core::Limits limits;
  limits.max_transitions_per_decision = request.max_steps;
  limits.poison_limit = kNeverPoison;
  return limits;
}

std::string status_of(RunState state) {
  switch (state) {
    case RunState::succeeded: return "SUCCEEDED";
    case RunState::failed: return "FAILED";
    case RunState::timed_out: return "TIMED_OUT";
    default: return "ABORTED";
  }
}

/// Ids are the engine's own: signals and children have others than in the planner's account.
std::string without_ids(const Json& value) {
  static const std::regex id("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}");
  return std::regex_replace(dump_json(value), id, "<id>");
}

/// One life of the node. Members end in the reverse order.
struct Process {
  Process(VirtualWorld& world, std::unique_ptr<store::Store> opened, StoreWatch watch)
      : life(std::make_shared<bool>(true)),
        store(std::move(opened), world, life, std::move(watch)),
        control(world, life, VirtualWorld::Purpose::upkeep),
        group(world, life, VirtualWorld::Purpose::work),
        clock(world),
        threads(world, life) {}

  /// Nothing that it had posted runs any more, and nobody is told goodbye.
  ~Process() {
    *life = false;
    node->abandon();
    threads.end();
    store.stop();
  }

  Life life;
  WatchedStore store;
  VirtualExecutor control;
  VirtualExecutor group;
  VirtualClock clock;
  MockHandlerThreads threads;
  telemetry::Metrics metrics;
  std::unique_ptr<runtime::Node> node;
  std::unique_ptr<service::EngineService> service;
};

class EngineRun {
 public:
  EngineRun(const EngineSimulation& simulation, const tools::SimulatedRun& expected, tools::Mocks mocks, RunId run_id)
      : simulation_(simulation),
        expected_(expected),
        run_id_(run_id),
        outside_(std::move(mocks)),
        world_(outside_.mocks().now()),
        planner_(tools::simulated_functions(), limits_of(simulation.what)),
        logger_(telemetry::LogLevel::error, [this](std::string_view line) { complaint_ = line; }) {
    for (const tools::MockSignal& signal : outside_.mocks().signals()) {
      MockedSignal sent{
          .name = signal.name, .key = signal.key, .payload = signal.payload, .id = std::to_string(++signal_count_)};
      world_.post_at(world_.at(signal.at), VirtualWorld::Purpose::work,
                     [this, sent = std::move(sent)] { send_signal(sent); });
    }
  }

  Status play() {
    if (Status registered = register_handlers(); !registered) return registered;
    if (Status begun = begin_life(); !begun) return begun;
    for (std::int64_t pieces = 0; !is_over(); ++pieces) {
      if (pieces == kMaxPieces || crashes_ > most_crashes())
        return fail(ErrorCode::resource_exhausted, "the simulation does not come to an end");
      if (!*process_->life) {
        if (Status begun = begin_life(); !begun) return begun;
      }
      ask_for_start();
      skip_quiet_time();
      world_.run_next();
    }
    return refusal_ ? Status(*refusal_) : Status{};
  }

  [[nodiscard]] std::int32_t crashes() const { return crashes_; }
  /// What the database says in the end.
  Result<std::optional<EngineDifference>> compare();

 private:
  [[nodiscard]] bool is_over() const {
    if (refusal_) return true;
    return is_settled_ && *process_->life && world_.now() - last_news_ >= quiet_limit();
  }
  /// A closed run has nothing to come but what the last take-over would wrongly add.
  [[nodiscard]] Duration quiet_limit() const { return is_closed_ ? std::chrono::seconds{5} : kPatience; }

  /// A take-over adds a handful of rows to each of the run's own; more means that it never gets on.
  [[nodiscard]] std::int32_t most_crashes() const {
    return kCrashesPerEvent * static_cast<std::int32_t>(expected_.events.size() + 1);
  }

  Status register_handlers();
  Status begin_life();
  void ask_for_start();
  void skip_quiet_time();
  void send_signal(const MockedSignal& signal);
  void see(store::Batch& batch);
  void committed();
  void answer_for(const runtime::StartMessage& child);
  void crash();

  const EngineSimulation& simulation_;   // Fixed after construction.
  const tools::SimulatedRun& expected_;  // Fixed after construction.
  const RunId run_id_;                   // Fixed after construction.
  MockedOutside outside_;
  VirtualWorld world_;
  core::Planner planner_;
  HandlerRegistry handlers_;
  std::string complaint_;  ///< the engine's last log line of level error
  telemetry::Logger logger_;
  SeededRandom random_;
  int signal_count_ = 0;
  std::int64_t reply_count_ = 0;

  // What the batch in hand holds for the run.
  std::vector<HistoryEvent> fresh_;
  std::vector<runtime::StartMessage> children_;
  std::optional<Timestamp> fresh_wake_at_;
  bool has_progress_ = false;
  bool closes_ = false;

  // What is committed.
  std::vector<HistoryEvent> history_;
  std::optional<core::Run> replayed_;  ///< the run as a take-over would find it
  std::size_t told_count_ = 0;
  std::optional<Timestamp> wake_at_;
  bool is_closed_ = false;

  bool is_asked_ = false;    ///< this life has been asked to start the run
  bool is_settled_ = false;  ///< nothing is due any more
  std::optional<Error> refusal_;
  Duration last_news_{};
  std::int32_t crashes_ = 0;
  std::set<std::string> crashed_at_;
  std::vector<MockedSignal> unsent_;  ///< signals that nobody has acknowledged yet
  std::unique_ptr<Process> process_;  // Last: it uses the others.
};

Status EngineRun::register_handlers() {
  std::set<std::string> names;
  collect_handlers(expected_.definition->root, names);
  for (const std::string& name : names) {
    HandlerEntry entry;
    entry.name = name;
    entry.plain = [this](const Json& input, TaskContext& context) {
      if (auto outcome = outside_.answer(input, context)) return *std::move(outcome);
      process_->threads.hang();
      return Outcome::unknown("Mock.Hung", "nobody hears this");
    };
    if (Status added = handlers_.add(std::move(entry)); !added) return added;
  }
  return {};
}

Status EngineRun::begin_life() {
  process_.reset();
  auto opened = simulation_.open_store([this] { return world_.database_now(); });
  if (!opened) return opened.error();
  StoreWatch watch;
  watch.committing = [this](store::Batch& batch) { see(batch); };
  watch.committed = [this] { committed(); };
  watch.knows = [](const std::string& workflow) { return workflow == tools::kSimulatedWorkflow; };
  process_ = std::make_unique<Process>(world_, *std::move(opened), std::move(watch));

  runtime::NodeOptions options;
  options.id = NodeId{kNodeName};
  options.url = "http://127.0.0.1:1";
  // One node and no other: it need not say often that it lives, nor look for messages that nobody else sends.
  options.lease = std::chrono::hours{1};
  options.inbox_idle = std::chrono::minutes{1};
  options.handler_slots = 100'000;
  runtime::Node::Parts parts{.store = process_->store,
                             .executor = process_->control,
                             .group_executors = {&process_->group},
                             .clock = process_->clock,
                             .random = random_,
                             .handler_threads = process_->threads,
                             .planner = planner_,
                             .handlers = handlers_,
                             .logger = logger_,
                             .metrics = process_->metrics};
  process_->node = std::make_unique<runtime::Node>(std::move(parts), std::move(options));
  process_->service =
      std::make_unique<service::EngineService>(*process_->node, process_->store, planner_, handlers_, nullptr);
  process_->node->start();
  is_asked_ = false;
  for (const MockedSignal& signal : std::exchange(unsent_, {})) send_signal(signal);
  return {};
}

void EngineRun::ask_for_start() {
  if (is_asked_ || !history_.empty() || !process_->node->owns(shard_of(run_id_))) return;
  is_asked_ = true;
  const auto refused = [this](const Error& error) { refusal_ = error; };
  service::Deploy deploy{tools::kSimulatedNamespace, tools::kSimulatedWorkflow, expected_.definition->source};
  process_->service->deploy(std::move(deploy), [this, refused](Result<service::Deployed> deployed) {
    if (!deployed) return refused(deployed.error());
    service::StartRun start;
    start.namespace_name = tools::kSimulatedNamespace;
    start.workflow = tools::kSimulatedWorkflow;
    start.input = make_payload(simulation_.what.input.value_or(Json::object()));
    start.id = run_id_;
    process_->service->start_run(std::move(start), [refused](Result<service::StartedRun> started) {
      if (!started) refused(started.error());
    });
  });
}

void EngineRun::skip_quiet_time() {
  std::optional<Duration> next = world_.next_work();
  if (wake_at_ && !is_closed_) {
    const Duration wake = world_.at(*wake_at_);
    // One that is long past is not what the run waits for any more.
    if (wake >= last_news_ && (!next || wake < *next)) next = wake;
  }
  is_settled_ = !next && (is_closed_ || !history_.empty());
  if (next && *next > world_.now() + 2 * kLead) {
    world_.skip_to(*next - kLead);
    last_news_ = world_.now();
  }
}

void EngineRun::send_signal(const MockedSignal& signal) {
  last_news_ = world_.now();
  unsent_.push_back(signal);
  if (!*process_->life) return;  // the next life begins with it
  service::SendSignal sent;
  sent.namespace_name = tools::kSimulatedNamespace;
  sent.name = signal.name;
  sent.key = signal.key;
  if (!signal.key) sent.run_id = run_id_;
  sent.payload = signal.payload;
  sent.id = signal.id;
  sent.sender = Role::admin;
  process_->service->send_signal(std::move(sent), [this, signal](Result<service::SentSignal> answer) {
    std::erase_if(unsent_, [&](const MockedSignal& other) { return other.id == signal.id; });
    // Any other refusal is an answer, as it is for the planner alone.
    if (answer || answer.error().code != ErrorCode::unavailable) return;
    world_.post_at(world_.now() + kAgainAfter, VirtualWorld::Purpose::work, [this, signal] { send_signal(signal); });
  });
}

// ---- what the node writes ----------------------------------------------------------------------------------------

void EngineRun::see(store::Batch& batch) {
  fresh_.clear();
  children_.clear();
  has_progress_ = false;
  closes_ = false;
  for (const store::JournalRow& row : batch.journal) {
    if (row.run_id != run_id_) continue;
    auto events = decode_events(row.events, row.seq, row.at);
    if (events) fresh_.insert(fresh_.end(), events->begin(), events->end());
  }
  const auto progressed = [this](const store::RunProgress& progress) {
    has_progress_ = true;
    fresh_wake_at_ = progress.wake_at;
  };
  for (const auto& row : batch.opened) {
    if (row.header.id != run_id_) continue;
    progressed(row.progress);
    if (!replayed_) replayed_.emplace(row.header, expected_.definition);
  }
  for (const auto& row : batch.updated) {
    if (row.run_id == run_id_) progressed(row.progress);
  }
  closes_ = std::ranges::any_of(batch.closed, [&](const auto& row) { return row.header.id == run_id_; });
  // Children are not played by the engine: the mocks say what becomes of them.
  std::erase_if(batch.outgoing, [this](const store::Batch::Outgoing& outgoing) {
    const auto message = runtime::decode_message(outgoing.message.kind, outgoing.message.body);
    const auto* start = message ? std::get_if<runtime::StartMessage>(&*message) : nullptr;
    if (start != nullptr) children_.push_back(*start);
    return start != nullptr;
  });
}

void EngineRun::committed() {
  if (has_progress_) wake_at_ = fresh_wake_at_;
  if (closes_) is_closed_ = true;
  if (fresh_.empty() && children_.empty()) return;
  last_news_ = world_.now();
  outside_.see(fresh_);
  history_.insert(history_.end(), fresh_.begin(), fresh_.end());
  if (replayed_ && planner_.replay(*replayed_, fresh_)) {
    for (const core::Command& command : planner_.owed(*replayed_)) {
      const auto* task = std::get_if<core::ScheduleTask>(&command);
      if (task != nullptr) outside_.bind(task->idempotency_key, task->task.step);
    }
  }

  for (const runtime::StartMessage& child : children_) answer_for(child);
  for (const MockedSignal& signal : outside_.take_signals()) {
    world_.post_at(world_.now(), VirtualWorld::Purpose::work, [this, signal] { send_signal(signal); });
  }
  if (simulation_.crash_at_every_event && !fresh_.empty()) crash();
}

/// One message after the other, as a child's shard commits them.
void EngineRun::answer_for(const runtime::StartMessage& child) {
  for (const runtime::Message& message : outside_.play_child(child)) {
    // A moment apart: ids of one millisecond have no order.
    const Timestamp at = world_.database_now() + std::chrono::milliseconds{reply_count_++ % 1'000};
    const MessageId id{make_uuid7(at, child.reply_to, random_.next())};
    const store::InboxRow row{child.reply_to, id, runtime::message_kind(message), runtime::encode_message(message), at};
    const auto sent =
        await_answer<void>([&](store::Done<void> told) { process_->store.inner().send({row}, std::move(told)); });
    if (!sent) refusal_ = sent.error();
  }
  world_.post_at(world_.now(), VirtualWorld::Purpose::work, [this] { process_->node->wake(); });
}

/// Each row is the last thing that a node wrote, once. What only take-overs add would be added for ever: of that, each
/// kind once between two rows that bring the run on.
void EngineRun::crash() {
  const std::size_t told_before = std::exchange(told_count_, count_of(tell(history_)));
  std::string label;
  for (const HistoryEvent& event : fresh_) {
    label += (label.empty() ? "" : ", ") + std::string(to_string(event.type));
  }
  if (told_count_ > told_before) {
    crashed_at_.clear();
  } else if (!crashed_at_.insert(label + std::to_string(fresh_.front().scope)).second) {
    return;
  }
  ++crashes_;
  if (simulation_.tell) {
    simulation_.tell("crash " + std::to_string(crashes_) + " after event " + std::to_string(fresh_.back().id) + ": " +
                     label);
  }
  *process_->life = false;
}

// ---- the end -----------------------------------------------------------------------------------------------------

Result<std::optional<EngineDifference>> EngineRun::compare() {
  store::Store& store = process_->store.inner();
  auto view = await_answer<store::RunView>([&](store::Done<store::RunView> told) { store.find_run(run_id_, told); });
  if (!view) return view.error();
  using Rows = std::vector<store::JournalRow>;
  auto rows = await_answer<Rows>(
      [&](store::Done<Rows> told) { store.read_journal(run_id_, 1, kMaxJournalRows, std::move(told)); });
  if (!rows) return rows.error();
  std::vector<HistoryEvent> events;
  for (const store::JournalRow& row : *rows) {
    auto decoded = decode_events(row.events, row.seq, row.at);
    if (!decoded) return decoded.error();
    events.insert(events.end(), decoded->begin(), decoded->end());
  }
  if (auto difference = first_difference(tell(expected_.events), tell(events))) return difference;

  const auto differ = [](const char* what, const Json& expected, const Json& found) {
    EngineDifference difference;
    difference.expected = std::string(what) + " " + dump_json(expected);
    difference.found = std::string(what) + " " + dump_json(found);
    return std::optional(difference);
  };
  const Json& expected = expected_.report;
  const Json status = status_of(view->state);
  if (expected.at("status") != status) return differ("status", expected.at("status"), status);
  const Json output = expected.value("output", Json());
  if (view->state == RunState::succeeded && without_ids(output) != without_ids(json_of(view->output))) {
    return differ("output", output, json_of(view->output));
  }
  const Json error = view->error ? Json(*view->error) : Json();
  if (expected.value("error", Json()) != error) return differ("error", expected.value("error", Json()), error);
  if (!complaint_.empty()) return differ("log", Json(), Json(complaint_));
  return std::optional<EngineDifference>{};
}

}  // namespace

Result<EngineReport> simulate_in_engine(const EngineSimulation& simulation) {
  tools::SimulateRequest what = simulation.what;
  if (what.mocks && what.mocks->is_object()) what.mocks->erase("context");
  auto mocks = tools::Mocks::read(what.mocks);
  if (!mocks) return std::move(mocks).error();
  // Of the simulated time: a store may look for a run on the days after its id only.
  if (simulation.seed) what.run_id = RunId{make_uuid7(mocks->now(), ShardId{0}, *simulation.seed)};
  const RunId run_id = what.run_id.value_or(tools::kSimulatedRunId);
  auto expected = tools::simulate_run(what);
  if (!expected) return std::move(expected).error();

  EngineRun run(simulation, *expected, *std::move(mocks), run_id);
  if (Status played = run.play(); !played) return played.error();
  auto difference = run.compare();
  if (!difference) return std::move(difference).error();
  return EngineReport{std::move(expected->report), run.crashes(), *std::move(difference)};
}

}  // namespace orchestrator::app
