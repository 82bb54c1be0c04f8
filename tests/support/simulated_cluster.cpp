#include "tests/support/simulated_cluster.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/language/parse.hpp"
#include "orchestrator/service/queues.hpp"

namespace orchestrator::testing {
namespace {

constexpr Duration kPeerPatience = std::chrono::seconds{15};
constexpr Duration kAskLimit = std::chrono::seconds{60};

language::Functions pure_functions() {
  language::Functions functions;
  functions.hash = [](std::string_view, std::string_view data) {
    return digest::hash(digest::Algorithm::sha256, data);
  };
  return functions;
}

}  // namespace

/// Whether a process lives, and what it missed while it was stopped.
struct SimulatedCluster::Life {
  bool alive = true;
  bool frozen = false;
  std::vector<std::function<void()>> missed;

  void run(std::function<void()> work) {
    if (!alive) return;
    if (frozen) {
      missed.push_back(std::move(work));
    } else {
      work();
    }
  }
};

/// A strand of a process: when the process dies, what it had posted never runs. Pieces keep their order, and how they
/// interleave with those of other strands is the seed's choice.
class SimulatedCluster::ProcessExecutor final : public runtime::Executor {
 public:
  ProcessExecutor(VirtualWorld& world, std::shared_ptr<Life> life, SeededRandom& random)
      : world_(world), life_(std::move(life)), random_(random) {}
  void post(std::function<void()> work) override {
    last_ = std::max(last_, world_.now() + Duration{static_cast<std::int64_t>(random_.next() % kStrandJitterUs)});
    world_.post_at(last_, guarded(std::move(work)));
  }
  void post_after(Duration delay, std::function<void()> work) override {
    world_.post_at(world_.now() + delay, guarded(std::move(work)));
  }

 private:
  static constexpr std::uint64_t kStrandJitterUs = 30;

  std::function<void()> guarded(std::function<void()> work) {
    return [life = life_, work = std::move(work)]() mutable { life->run(std::move(work)); };
  }
  VirtualWorld& world_;
  std::shared_ptr<Life> life_;
  SeededRandom& random_;
  Duration last_{0};
};

/// Handlers take their time until they begin, differently each: outcomes come in any order.
class SimulatedCluster::ProcessThreads final : public runtime::HandlerThreads {
 public:
  ProcessThreads(SimulatedCluster& cluster, std::shared_ptr<Life> life, std::string name)
      : cluster_(cluster), life_(std::move(life)), name_(std::move(name)) {}
  [[nodiscard]] bool is_beginning() const { return beginning_ > 0; }
  void run(std::function<void()> work) override {
    // Often at once: what happens in the same moment is where races are.
    const std::uint64_t chance = cluster_.random_.next();
    const Duration takes{chance % 4 == 0 ? 0 : static_cast<std::int64_t>(chance % 20'000)};
    ++beginning_;
    cluster_.world.post_at(cluster_.world.now() + takes, [this, work = std::move(work)]() mutable {
      --beginning_;
      life_->run([this, work = std::move(work)] {
        const std::string outer = std::exchange(cluster_.running_on_, name_);
        const Life* outer_life = std::exchange(cluster_.running_life_, life_.get());
        work();
        cluster_.running_on_ = outer;
        cluster_.running_life_ = outer_life;
      });
    });
  }

 private:
  SimulatedCluster& cluster_;
  std::shared_ptr<Life> life_;
  std::string name_;
  int beginning_ = 0;
};

struct SimulatedCluster::Process {
  std::shared_ptr<Life> life = std::make_shared<Life>();
  std::unique_ptr<store::memory::MemoryStore> store;
  std::unique_ptr<ProcessExecutor> control;
  std::vector<std::unique_ptr<ProcessExecutor>> group_executors;
  std::unique_ptr<ProcessThreads> threads;
  std::unique_ptr<VirtualClock> clock;
  telemetry::Metrics metrics;
  std::unique_ptr<runtime::Node> node;
  std::unique_ptr<runtime::PeerLink> peers;
  std::unique_ptr<service::EngineService> service;
};

/// Calls between processes: they take their time, and any part of them can be lost.
class SimulatedCluster::Peers final : public runtime::PeerLink {
 public:
  Peers(SimulatedCluster& cluster, std::shared_ptr<Life> life) : cluster_(cluster), life_(std::move(life)) {}

  void call(const std::string& url, const std::string& operation, std::string body,
            runtime::Reply<std::string> reply) override {
    // Shared: answered once, by the other node or by the caller's patience.
    auto once = std::make_shared<bool>(false);
    const auto answer = [once, life = life_, reply = std::move(reply)](Result<std::string> text) {
      life->run([once, reply, text = std::move(text)] {
        if (!std::exchange(*once, true)) reply(text);
      });
    };
    cluster_.world.post_at(cluster_.world.now() + kPeerPatience,
                           [answer] { answer(fail(ErrorCode::outcome_unknown, "no answer in time")); });
    const bool is_lost = cluster_.peer_loss && cluster_.peer_loss(operation);
    if (cluster_.peer_repeat && cluster_.peer_repeat(operation)) arrive(url, operation, body, answer, false);
    arrive(url, operation, std::move(body), answer, is_lost);
  }

 private:
  template <typename Answer>
  void arrive(const std::string& url, const std::string& operation, std::string body, const Answer& answer,
              bool is_lost) {
    cluster_.later([this, url, operation, body = std::move(body), answer, is_lost] {
      const auto target = cluster_.node_at(url);
      if (target == nullptr) {
        answer(fail(ErrorCode::unavailable, "connection refused"));
        return;
      }
      if (is_lost && cluster_.random_.next() % 2 == 0) return;  // the request never arrived
      target->life->run([this, target, operation, body, answer, is_lost] {
        target->service->answer_peer(operation, body, [this, answer, is_lost](Result<std::string> text) {
          if (is_lost) return;  // it was performed, and nobody is told
          cluster_.later([answer, text = std::move(text)] { answer(text); });
        });
      });
    });
  }

  SimulatedCluster& cluster_;
  std::shared_ptr<Life> life_;
};

SimulatedCluster::Process* SimulatedCluster::node_at(const std::string& url) {
  for (const auto& [name, process] : nodes_) {
    if (url == "http://" + name) return process.get();
  }
  return nullptr;
}

void SimulatedCluster::later(std::function<void()> work) {
  world.post_at(world.now() + Duration{static_cast<std::int64_t>(random_.next() % 2'000)}, std::move(work));
}

SimulatedCluster::SimulatedCluster(std::uint64_t seed, std::int32_t shards)
    : random_(seed),
      database_(std::make_shared<store::memory::MemoryDatabase>(shards)),
      logger_(telemetry::LogLevel::error, [this](std::string_view line) { errors.emplace_back(line); }),
      planner_(pure_functions(), {}) {
  {
    const telemetry::MutexLock lock(database_->mutex);
    tables_ = &database_->tables;
  }
  store::memory::MemoryOptions options;
  options.post = [](std::function<void()> work) { work(); };
  options.now = [this] { return world.database_now(); };
  reader_ = std::make_unique<store::memory::MemoryStore>(database_, options);

  HandlerEntry counted;
  counted.name = "counted";
  counted.plain = [this](const Json& input, TaskContext& context) {
    ++performed[context.idempotency_key];
    return Outcome::completed(make_payload(input));
  };
  HandlerEntry instant;
  instant.name = "instant";
  instant.immediate = true;
  instant.plain = [](const Json&, TaskContext&) { return Outcome::completed(nullptr); };
  HandlerEntry written = {};
  written.name = "written";
  written.transactional = [](const Json& input, TaskContext& context, Sql& sql) {
    auto inserted = sql.execute("insert into effects values ($1)", {context.idempotency_key});
    if (!inserted) return Outcome::snoozed(std::chrono::seconds{1});
    return Outcome::completed(make_payload(input));
  };
  for (HandlerEntry* handler : {&counted, &instant, &written}) {
    const Status added = handlers.add(std::move(*handler));
    ORC_CHECK(added.has_value(), "the simulation's handlers have names of their own");
  }
}

SimulatedCluster::~SimulatedCluster() {
  for (auto& [name, process] : nodes_) process->life->alive = false;
}

void SimulatedCluster::start_node(const std::string& name) {
  auto process = std::make_unique<Process>();
  store::memory::MemoryOptions options;
  options.lanes = 2;
  options.post = [this](std::function<void()> work) {
    const Duration takes = store_delay ? store_delay() : Duration{static_cast<std::int64_t>(random_.next() % 3'000)};
    // What reached the database happens even when the client dies; only its answer is lost with it.
    world.post_at(world.now() + takes, std::move(work));
  };
  options.now = [this] { return world.database_now(); };
  options.faults = [this](std::string_view operation) {
    return faults ? faults(operation) : store::memory::Fault::none;
  };
  options.constraint = [this](const store::Batch& batch) { return constraint ? constraint(batch) : Status{}; };
  options.step_committed = [this](const store::Batch& batch, const std::vector<store::memory::Statement>& statements) {
    if (step_committed) step_committed(batch, statements);
  };
  process->store = std::make_unique<store::memory::MemoryStore>(database_, options);
  process->control = std::make_unique<ProcessExecutor>(world, process->life, random_);
  std::vector<runtime::Executor*> executors;
  for (int i = 0; i < 2; ++i) {
    process->group_executors.push_back(std::make_unique<ProcessExecutor>(world, process->life, random_));
    executors.push_back(process->group_executors.back().get());
  }
  process->threads = std::make_unique<ProcessThreads>(*this, process->life, name);
  process->clock = std::make_unique<VirtualClock>(world);
  runtime::NodeOptions own = node_options;
  own.id = NodeId{name};
  own.url = "http://" + name;
  process->node = std::make_unique<runtime::Node>(
      runtime::Node::Parts{*process->store, *process->control, executors, *process->clock, random_, *process->threads,
                           planner_, handlers, logger_, process->metrics},
      own);
  process->peers = std::make_unique<Peers>(*this, process->life);
  process->node->set_peers(process->peers.get());
  process->service = std::make_unique<service::EngineService>(*process->node, *process->store, planner_, handlers,
                                                              process->peers.get());
  process->node->start();
  if (works_on_operations) process->service->begin_operations();
  nodes_[name] = std::move(process);
}

void SimulatedCluster::crash(const std::string& name) {
  auto process = std::move(nodes_.at(name));
  nodes_.erase(name);
  process->life->alive = false;
  // Kept until the end: closures that never run still point into it.
  graveyard_.push_back(std::move(process));
}

void SimulatedCluster::freeze(const std::string& name) { nodes_.at(name)->life->frozen = true; }

void SimulatedCluster::thaw(const std::string& name) {
  Life& life = *nodes_.at(name)->life;
  life.frozen = false;
  for (auto& work : std::exchange(life.missed, {})) world.post(std::move(work));
}

bool SimulatedCluster::is_frozen(const std::string& name) const {
  return nodes_.contains(name) && nodes_.at(name)->life->frozen;
}

bool SimulatedCluster::is_beginning(const std::string& name) const {
  return nodes_.contains(name) && nodes_.at(name)->threads->is_beginning();
}

bool SimulatedCluster::is_alive(const void* process) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&](const auto& node) { return node.second->life.get() == process; });
}

std::vector<std::string> SimulatedCluster::node_names() const {
  std::vector<std::string> names;
  for (const auto& [name, process] : nodes_) names.push_back(name);
  return names;
}

bool SimulatedCluster::call(const std::string& name, std::function<void(service::Service&)> request) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return false;
  Process* process = found->second.get();
  process->life->run([process, request = std::move(request)] { request(*process->service); });
  return true;
}

bool SimulatedCluster::work_for(Duration takes) {
  // Each waits on the stack of the one that it interrupts: a few are enough for every order.
  constexpr int kMaxWaiting = 4;
  const Life* life = running_life_;
  const std::string name = running_on_;
  if (waiting_handlers_ == kMaxWaiting || life == nullptr) return true;
  ++waiting_handlers_;
  world.advance(takes);
  while (life->alive && life->frozen) world.advance(std::chrono::milliseconds{100});
  --waiting_handlers_;
  running_on_ = name;
  running_life_ = life;
  return life->alive;
}

void SimulatedCluster::commit_message(const store::InboxRow& message) {
  const telemetry::MutexLock lock(database_->mutex);
  store::memory::insert_message(database_->tables, message);
}

void SimulatedCluster::deliver(const std::string& node, const store::InboxRow& message) {
  nodes_.at(node)->node->deliver({message});
}

std::map<std::string, int> SimulatedCluster::shards_by_node() {
  const telemetry::MutexLock lock(database_->mutex);
  std::map<std::string, int> counts;
  for (const auto& owner : database_->tables.owners) {
    if (owner.node) ++counts[owner.node->value];
  }
  return counts;
}

Result<RunId> SimulatedCluster::start_through(const std::string& node, const std::string& workflow,
                                              const std::string& key, Duration limit) {
  service::StartRun request;
  request.namespace_name = "default";
  request.workflow = workflow;
  request.input = make_payload(Json{{"key", key}});
  request.key = key;
  // Shared: the answer may come after this call gave up.
  auto answer = std::make_shared<std::optional<Result<service::StartedRun>>>();
  nodes_.at(node)->service->start_run(std::move(request),
                                      [answer](Result<service::StartedRun> started) { *answer = std::move(started); });
  world.advance_until([&] { return answer->has_value(); }, limit);
  if (!*answer) return fail(ErrorCode::unavailable, "no answer within the limit");
  if (!**answer) return (*answer)->error();
  return (**answer)->run_id;
}

std::vector<RunId> SimulatedCluster::start_together(const std::string& node, const std::string& workflow, int count) {
  // Shared: an answer may come after this call gave up.
  auto started = std::make_shared<std::vector<RunId>>();
  for (int i = 0; i < count; ++i) {
    service::StartRun request;
    request.namespace_name = "default";
    request.workflow = workflow;
    nodes_.at(node)->service->start_run(std::move(request), [started](Result<service::StartedRun> answer) {
      if (answer) started->push_back(answer->run_id);
    });
  }
  world.advance_until([&] { return started->size() == static_cast<std::size_t>(count); }, std::chrono::minutes{1});
  return *started;
}

Result<service::IdempotencyGate> SimulatedCluster::open_gate(const std::string& node, const std::string& key) {
  // Shared: the answer may come after this call gave up.
  auto answer = std::make_shared<std::optional<Result<service::IdempotencyGate>>>();
  service::IdempotencyRef ref{.scope = "POST /v1/runs", .key = key, .body_hash = "of-one-body"};
  nodes_.at(node)->service->open_gate("default", std::move(ref),
                                      [answer](Result<service::IdempotencyGate> gate) { *answer = std::move(gate); });
  world.advance_until([&] { return answer->has_value(); }, std::chrono::minutes{1});
  if (!*answer) return fail(ErrorCode::unavailable, "no answer within the limit");
  return std::move(**answer);
}

void SimulatedCluster::drain(const std::string& name) {
  auto done = std::make_shared<bool>(false);
  nodes_.at(name)->node->drain(std::chrono::seconds{30}, [done] { *done = true; });
  world.advance_until([&] { return *done; }, std::chrono::minutes{2});
  crash(name);
}

void SimulatedCluster::begin_drain(const std::string& name) {
  Process* process = nodes_.at(name).get();
  process->node->drain(std::chrono::seconds{30}, [this, name, process] {
    // Posted: this call comes out of the process that is about to end.
    world.post([this, name, process] {
      if (!nodes_.contains(name) || nodes_.at(name).get() != process) return;
      const auto& owners = tables().owners;
      const bool holds =
          std::any_of(owners.begin(), owners.end(), [&](const auto& owner) { return owner.node == NodeId{name}; });
      if (holds && left_uncleanly) left_uncleanly();
      crash(name);
    });
  });
}

template <typename Answer>
std::optional<Result<Answer>> SimulatedCluster::ask_any(
    const std::function<void(service::Service&, service::Reply<Answer>)>& ask) {
  const Duration until = world.now() + kAskLimit;
  while (world.now() < until) {
    std::vector<std::string> names;
    for (const auto& [name, process] : nodes_) names.push_back(name);
    for (const auto& name : names) {
      auto answer = std::make_shared<std::optional<Result<Answer>>>();
      ask(*nodes_.at(name)->service, [answer](Result<Answer> result) { *answer = std::move(result); });
      world.advance_until([&] { return answer->has_value(); }, std::chrono::seconds{15});
      if (*answer && ((*answer)->has_value() || !error_traits((*answer)->error().code).retryable))
        return std::move(**answer);
    }
    world.advance(std::chrono::milliseconds{200});
  }
  return std::nullopt;
}

void SimulatedCluster::deploy(const std::string& name, const std::string& definition) {
  auto source = parse_json(definition);
  ORC_CHECK(source.has_value(), "a simulated definition is JSON");
  const auto deployed =
      ask_any<service::Deployed>([&](service::Service& service, service::Reply<service::Deployed> reply) {
        service.deploy({"default", name, make_payload(*source)}, std::move(reply));
      });
  ORC_CHECK(deployed && *deployed, "a simulated definition deploys");
}

void SimulatedCluster::limit_queue(const std::string& queue, const QueueLimits& limits) {
  service::ChangeQueue change{.namespace_name = "default", .name = queue};
  change.limits = limits;
  const auto changed =
      ask_any<service::QueueSettings>([&](service::Service& service, service::Reply<service::QueueSettings> reply) {
        service.change_queue(change, std::move(reply));
      });
  ORC_CHECK(changed && *changed, "a simulated queue takes its limits");
}

std::optional<RunId> SimulatedCluster::start_run(const std::string& workflow, const std::string& key,
                                                 const std::string& input) {
  auto started = try_start(workflow, key, input);
  if (!started) return std::nullopt;
  return *started;
}

Result<RunId> SimulatedCluster::try_start(const std::string& workflow, const std::string& key,
                                          const std::string& input) {
  auto value = parse_json(input);
  ORC_CHECK(value.has_value(), "a simulated input is JSON");
  auto started =
      ask_any<service::StartedRun>([&](service::Service& service, service::Reply<service::StartedRun> reply) {
        service::StartRun request;
        request.namespace_name = "default";
        request.workflow = workflow;
        request.input = make_payload(*value);
        request.key = key;
        request.on_conflict = service::OnConflict::return_existing;
        request.on_closed = service::OnClosed::return_existing;
        service.start_run(std::move(request), std::move(reply));
      });
  if (!started) return fail(ErrorCode::unavailable, "nobody took the start");
  if (!*started) return started->error();
  return (*started)->run_id;
}

int SimulatedCluster::flood_starts(const std::string& node, const std::string& workflow, int count) {
  service::Service& service = *nodes_.at(node)->service;
  auto refused = std::make_shared<int>(0);
  const auto start = [&](const std::shared_ptr<int>& counted) {
    service::StartRun request;
    request.namespace_name = "default";
    request.workflow = workflow;
    // One key: every one of these goes to the same shard.
    request.key = "flood";
    service.start_run(std::move(request), [counted](Result<service::StartedRun> answer) {
      if (!answer && answer.error().code == ErrorCode::unavailable) ++*counted;
    });
  };
  start(std::make_shared<int>(0));
  world.advance(std::chrono::seconds{1});
  for (int i = 0; i < count; ++i) start(refused);
  world.advance(std::chrono::seconds{1});
  return *refused;
}

std::string SimulatedCluster::send_signal(const std::string& name, const std::string& key, const std::string& id) {
  auto sent = ask_any<service::SentSignal>([&](service::Service& service, service::Reply<service::SentSignal> reply) {
    service::SendSignal request;
    request.namespace_name = "default";
    request.name = name;
    request.key = key;
    request.id = id;
    request.payload = make_payload(Json{{"id", id}});
    service.send_signal(std::move(request), std::move(reply));
  });
  if (!sent || !*sent) return {};
  return (*sent)->fate;
}

std::optional<store::RunView> SimulatedCluster::find_run(RunId id) {
  std::optional<store::RunView> found;
  reader_->find_run(id, [&](Result<store::RunView> view) {
    if (view) found = std::move(*view);
  });
  return found;
}

std::vector<store::RunView> SimulatedCluster::list_runs() {
  std::vector<store::RunView> runs;
  store::RunFilter filter;
  filter.namespace_name = "default";
  filter.limit = 500;
  reader_->list_runs(filter, [&](Result<store::RunPage> page) {
    if (page) runs = std::move(page->items);
  });
  return runs;
}

std::vector<store::SignalRow> SimulatedCluster::list_signals() {
  std::vector<store::SignalRow> signals;
  store::SignalFilter filter;
  filter.namespace_name = "default";
  filter.limit = 500;
  reader_->list_signals(filter, [&](Result<store::SignalPage> page) {
    if (page) signals.assign(page->items.begin(), page->items.end());
  });
  return signals;
}

std::string SimulatedCluster::check_journal(RunId id) {
  // Lists leave input and output out; the single object has them.
  const auto found = find_run(id);
  if (!found) return "no such run";
  const store::RunView& run = *found;
  std::string fault;
  reader_->find_definition(
      run.header.namespace_name, run.header.workflow, run.header.version, [&](Result<store::DefinitionRow> row) {
        auto parsed = language::parse_definition(*parse_json(row->source), {});
        core::Run replayed(run.header, parsed.definition);
        reader_->read_journal(run.header.id, 1, 100'000, [&](Result<std::vector<store::JournalRow>> rows) {
          EventId next = 1;
          for (const auto& journal : *rows) {
            if (journal.seq != next) {
              fault = "a gap before event " + std::to_string(journal.seq);
              return;
            }
            auto events = decode_events(journal.events, journal.seq, journal.at);
            const Status applied = events ? planner_.replay(replayed, *events) : Status(events.error());
            if (!applied) {
              fault = applied.error().message;
              return;
            }
            next += static_cast<EventId>(events->size());
          }
        });
        if (fault.empty() && is_closed(run.state) && replayed.state() != run.state)
          fault = "the journal ends in another state than the row";
        if (fault.empty() && is_closed(run.state) && json_of(replayed.output()) != json_of(run.output))
          fault = "the journal has another output";
      });
  return fault;
}

}  // namespace orchestrator::testing
