#include "tests/simulation/story.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/model/job_record.hpp"
#include "tests/simulation/flows.hpp"

namespace orchestrator::testing {
namespace {

constexpr std::int32_t kShards = 4;
/// How long clients begin things, and the disturbances go on.
constexpr Duration kScript = std::chrono::seconds{14};
constexpr Duration kDisturbed = std::chrono::seconds{22};
/// After the last disturbance: a dead owner's lease, a heartbeat, the recovery.
constexpr Duration kUntilHealthy = std::chrono::seconds{16};
/// A healthy cluster fires a timer within this. Source: design, section 6, and the sampling here.
constexpr Duration kMostLate = std::chrono::seconds{3};
/// By then every run of a calm cluster has ended: the longest flow takes half a minute, and an inquiry that fails again
/// and again waits for five between two tries.
constexpr Duration kMostUntilEnd = std::chrono::minutes{10};
/// What a healthy cluster needs at most for all that waits for the limits of `narrow`.
constexpr Duration kMostHeldBack = std::chrono::minutes{1};
/// Deaths that one poisonous step may cause: one that nobody could know of, then the limit and one that passes it. Each
/// snooze may be followed by another one that nobody could know of.
constexpr int kMostKills = 5;
constexpr std::size_t kMostFindings = 20;
/// A run that was retried and waits for a signal is left alone for so long after the script.
constexpr Duration kMostLeftAlone = std::chrono::minutes{1};
/// Seeds with remote workers; the others, past faults among them, play as they did without.
constexpr std::uint64_t kRemoteOneIn = 7;
constexpr std::uint64_t kRemoteAmong = 2;
constexpr int kRemoteWorkers = 3;
/// One story in so many has a schedule.
constexpr std::uint64_t kStoriesPerSchedule = 4;
/// Seeds with operators who pause and resume: no past fault among them.
constexpr std::uint64_t kOperatorsOneIn = 11;
constexpr std::uint64_t kOperatorsAmong = 4;
/// Seeds with operators who also skip, edit, and act on many runs at once: no past fault among them either.
constexpr std::uint64_t kBulkAmong = 10;
/// Seeds whose nodes park every job that becomes ready: no past fault among them.
constexpr std::uint64_t kParkingOneIn = 8;
constexpr std::uint64_t kParkingAmong = 5;
/// Seeds with readers, who look at runs at any moment: no past fault among them.
constexpr std::uint64_t kReadersOneIn = 13;
constexpr std::uint64_t kReadersAmong = 4;

}  // namespace

Story::Story(std::uint64_t seed, bool keeps_resting)
    : random_(seed * 7 + 1),
      cluster_(seed, kShards),
      witness_(cluster_.tables(), findings_),
      performers_(cluster_, witness_, findings_, seed * 7 + 2),
      temper_(temper_of(random_)),
      chaos_(cluster_, performers_, temper_, seed * 7 + 3),
      clients_(cluster_, witness_, findings_, seed * 7 + 4),
      remote_(cluster_, witness_, findings_, seed * 7 + 5),
      has_remote_workers_(seed % kRemoteOneIn == kRemoteAmong),
      scheduled_(cluster_, findings_, seed),
      has_schedule_(seed % kStoriesPerSchedule == 0),
      operators_(cluster_, seed, seed % kOperatorsOneIn == kBulkAmong),
      has_operators_(seed % kOperatorsOneIn == kOperatorsAmong || seed % kOperatorsOneIn == kBulkAmong),
      bulk_operators_(cluster_, witness_, findings_, seed),
      has_bulk_operators_(seed % kOperatorsOneIn == kBulkAmong),
      readers_(cluster_, witness_, findings_, seed),
      has_readers_(seed % kReadersOneIn == kReadersAmong) {
  cluster_.works_on_operations = has_bulk_operators_;
  constexpr std::array<std::size_t, 3> kResting = {0, 2, runtime::kMaxResting};
  cluster_.node_options.max_resting = keeps_resting ? kResting[seed % kResting.size()] : 0;
  if (seed % kParkingOneIn == kParkingAmong) cluster_.node_options.max_ready_per_lane = 0;
  cluster_.constraint = [this](const store::Batch& batch) {
    witness_.before_commit(batch, cluster_.world.database_now(), !chaos_.clock_was_stepped());
    scheduled_.before_commit(batch);
    return Status{};
  };
  cluster_.step_committed = [this](const store::Batch& batch, const std::vector<store::memory::Statement>& statements) {
    witness_.step_committed(batch, statements);
  };
  clients_.lose_one_in(temper_.answer_loss_one_in);
  remote_.are_leases_doubted = [this] { return chaos_.clock_was_stepped(); };
}

Story::~Story() {
  // Pieces of it are still in the world's queue; none of them runs any more.
  cluster_.constraint = nullptr;
}

std::string Story::describe() const {
  std::string text = "disturbed by " + temper_.describe() + "; plays";
  for (const auto& part : cast_) text += " " + part;
  if (has_schedule_) text += " schedule";
  if (has_operators_) text += " operators";
  if (has_bulk_operators_) text += " bulk-operations";
  if (has_readers_) text += " readers";
  return text;
}

const std::vector<std::string>& Story::play() {
  chaos_.begin();
  for (const auto& flow : simulated_flows()) cluster_.deploy(flow.name, flow.definition);
  limit_narrow();
  chaos_.go();
  write_script();
  if (has_schedule_) scheduled_.begin(kDisturbed);
  if (has_operators_) operators_.go();
  if (has_bulk_operators_) bulk_operators_.go();
  if (has_readers_) readers_.go();
  const Duration until = cluster_.world.now() + kDisturbed;
  while (findings_.empty() && cluster_.world.now() < until) {
    cluster_.world.advance(std::chrono::seconds{1});
    check_clock();
  }
  chaos_.calm_down();
  clients_.lose_one_in(0);
  remote_.calm_down();
  operators_.calm_down();
  bulk_operators_.calm_down();
  settle();
  if (findings_.empty()) check_ends();
  for (const auto& line : cluster_.errors) findings_.add("error", line);
  return findings_.sentences();
}

void Story::limit_narrow() {
  QueueLimits limits{.max_in_flight = 1 + static_cast<std::int64_t>(random_.next() % 3)};
  if (chance(3)) {
    limits.rate = RateLimit{.count = 1 + static_cast<std::int64_t>(random_.next() % 4),
                            .per_seconds = 1 + static_cast<std::int64_t>(random_.next() % 5)};
    if (chance(2)) limits.max_in_flight.reset();
  }
  performers_.narrow().set_limits(limits);
  cluster_.limit_queue("narrow", limits);
  // Until every node has read it: a limit holds from then on.
  cluster_.world.advance(std::chrono::seconds{2});
}

// ---- the script --------------------------------------------------------------------------------------------------

void Story::at(Duration most, std::function<void()> action) {
  const Duration when{static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(most.count()))};
  cluster_.world.post_at(cluster_.world.now() + when, std::move(action));
}

void Story::begin_run(const std::string& workflow, const std::string& key) {
  cast_.push_back(workflow + ":" + key);
  at(kScript, [this, workflow, key] { clients_.start(workflow, key); });
  // Somebody's transaction promises the same run: one of the two begins, and the other is that one or says so.
  if (chance(3)) at(kScript, [this, workflow, key] { clients_.promise(workflow, key); });
}

/// By a signal or a webhook, before the order exists, while it waits, or long after; and often twice.
void Story::pay(const std::string& key) {
  const int times = 1 + static_cast<int>(random_.next() % 3);
  if (chance(2)) {
    at(2 * kScript, [this, key, times] { clients_.webhook("paid", key, "delivery-" + key, times); });
    return;
  }
  at(2 * kScript, [this, key] { clients_.signal("paid", key, "payment-" + key); });
  if (times > 1) at(2 * kScript, [this, key] { clients_.signal("paid", key, "payment-" + key); });
}

void Story::race(const std::string& key) {
  const int gos = static_cast<int>(random_.next() % 4);
  for (int i = 0; i < gos; ++i)
    at(kScript, [this, key, i] { clients_.signal("go", key, "go-" + std::to_string(i) + "-" + key); });
  at(2 * kScript, [this, key] { clients_.signal("stop", key, "stop-" + key); });
}

/// Several runs wait for one bell, which rings a few times, for each with its own copy.
void Story::gather() {
  const int runs = 2 + static_cast<int>(random_.next() % 4);
  for (int i = 0; i < runs; ++i) begin_run("gathering", "g" + std::to_string(i));
  const int rings = 1 + static_cast<int>(random_.next() % 3);
  for (int i = 0; i < rings; ++i) {
    const std::string id = "ring-" + std::to_string(i);
    at(2 * kScript, [this, id] { clients_.broadcast("bell", "tower", id); });
    if (chance(2)) at(2 * kScript, [this, id] { clients_.broadcast("bell", "tower", id); });
  }
}

void Story::enqueue(const std::string& handler, const std::string& key, JobSpec spec, Duration delay) {
  cast_.push_back("job-" + handler + ":" + key);
  at(kScript, [this, handler, key, spec = std::move(spec), delay] { clients_.enqueue(handler, key, spec, delay); });
  if (chance(3)) {
    const CancelMode mode = chance(2) ? CancelMode::graceful : CancelMode::kill;
    at(2 * kScript, [this, handler, key, mode] { clients_.cancel(handler, key, mode); });
  }
}

void Story::write_jobs(const std::string& key) {
  JobSpec spec;
  spec.max_attempts = 25;
  spec.retry.kind = JobRetryKind::fixed;
  spec.retry.initial_seconds = 0.4;
  switch (random_.next() % 4) {
    case 0: {
      // Their handlers, delays and starts differ; only the order in which they were accepted counts.
      const std::vector<std::string> handlers{"plain", "flaky", "snoozer", "slow", "booked"};
      spec.order_key = key;
      const std::size_t first = random_.next() % handlers.size();
      for (std::size_t i = 0; i < 4; ++i) enqueue(handlers[(first + i) % handlers.size()], key, spec);
      break;
    }
    case 1: enqueue("flaky", key, spec, std::chrono::seconds{random_.next() % 9}); break;
    case 2: enqueue(chance(2) ? "snoozer" : "booked", key, spec); break;
    default:
      spec.max_attempts = 2;
      enqueue("stubborn", key, spec);
      at(2 * kScript, [this, key] { clients_.retry("stubborn", key); });
      break;
  }
}

void Story::write_script() {
  const int parts = 4 + static_cast<int>(random_.next() % 5);
  for (int i = 0; i < parts; ++i) {
    const std::string key = "k" + std::to_string(i);
    std::string workflow;
    switch (random_.next() % 17) {
      case 0:
      case 1:
      case 2:
        begin_run(workflow = "order", key);
        pay(key);
        break;
      case 3: begin_run(workflow = "sleeper", key); break;
      case 4:
      case 5:
        begin_run(workflow = "race", key);
        race(key);
        break;
      case 6: begin_run(workflow = "loop", key); break;
      case 7: begin_run(workflow = "flaky", key); break;
      case 8:
        begin_run(workflow = "stubborn", key);
        at(2 * kScript, [this, key] { clients_.retry("stubborn", key); });
        break;
      case 9: begin_run(workflow = "payment", key); break;
      case 10: begin_run(workflow = "family", key); break;
      case 11: begin_run(workflow = "guardian", key); break;
      case 12:
        cast_.push_back("greeted:" + key);
        at(kScript, [this, key] { clients_.signal_with_start("greeted", "hello", key, "hello-" + key); });
        if (chance(2))
          at(kScript, [this, key] { clients_.signal_with_start("greeted", "hello", key, "hello-" + key); });
        break;
      case 13:
      case 14:
      case 15: write_jobs(key); break;
      default:
        cast_.push_back("batch:" + key);
        at(kScript, [this, key] { clients_.batch("shipment", key, 3, 2); });
        break;
    }
    if (workflow.empty()) continue;
    if (workflow == "guardian" || chance(8)) {
      const CancelMode mode = chance(2) ? CancelMode::graceful : CancelMode::kill;
      at(2 * kScript, [this, workflow, key, mode] { clients_.cancel(workflow, key, mode); });
    }
    if (chance(8)) {
      const std::string name = chance(2) ? "paid" : "go";
      at(2 * kScript, [this, workflow, key, name] { clients_.signal_run(workflow, key, name, "direct-" + key); });
    }
  }
  if (temper_.crashes && chance(6)) begin_run("poison", "p");
  const int narrow = static_cast<int>(random_.next() % 3);
  for (int i = 0; i < narrow; ++i) begin_run("narrow", "n" + std::to_string(i));
  if (has_remote_workers_) run_errands();
  if (chance(4)) gather();
}

void Story::run_errands() {
  const int errands = 2 + static_cast<int>(random_.next() % 6);
  for (int i = 0; i < errands; ++i) {
    const std::string key = "e" + std::to_string(i);
    begin_run("errand", key);
    if (!chance(8)) continue;
    const CancelMode mode = chance(2) ? CancelMode::graceful : CancelMode::kill;
    at(2 * kScript, [this, key, mode] { clients_.cancel("errand", key, mode); });
  }
  remote_.go(kRemoteWorkers);
}

// ---- while it plays ----------------------------------------------------------------------------------------------

/// I-11: on a healthy cluster no timer is forgotten. Only rows at rest say when they must wake up.
void Story::check_clock() {
  if (cluster_.world.now() < chaos_.last_disturbance() + kUntilHealthy) return;
  const Timestamp overdue = cluster_.world.database_now() - kMostLate;
  for (const auto& [id, row] : cluster_.tables().open) {
    if (row.progress.at_rest && row.progress.wake_at && *row.progress.wake_at < overdue)
      findings_.add("I-11", row.header.workflow + " " + id.str() + " should have woken up long ago; it waits on " +
                                row.progress.waiting_on);
  }
  if (cluster_.world.now() < chaos_.last_disturbance() + kUntilHealthy + kMostHeldBack) return;
  for (const auto& [id, row] : cluster_.tables().open) {
    const bool is_old = row.header.created_at < cluster_.world.database_now() - kMostHeldBack;
    if (row.header.workflow == "narrow" && is_old)
      findings_.add("I-24", "narrow " + id.str() + " is held back; it waits on " + row.progress.waiting_on);
  }
}

bool Story::is_over() {
  return clients_.are_done() && scheduled_.are_over() && bulk_operators_.are_over() && cluster_.tables().open.empty() &&
         cluster_.tables().inbox.empty();
}

/// Nothing is disturbed any more: everything comes to its end.
void Story::settle() {
  const Duration until = cluster_.world.now() + kMostUntilEnd;
  const Duration script_over = cluster_.world.now() + 2 * kScript - kDisturbed;
  while (findings_.empty() && cluster_.world.now() < until) {
    if (cluster_.world.now() >= script_over && is_over()) return;
    cluster_.world.advance(std::chrono::seconds{1});
    check_clock();
    // Who asks after a run that nobody cancelled in time, or a dead letter: an operator.
    for (const auto& [id, row] : cluster_.tables().open) {
      const bool is_left = row.header.workflow == "guardian" && cluster_.world.now() > script_over;
      if (is_left && row.header.key && clients_.run_of("guardian", *row.header.key) && clients_.are_done() &&
          !clients_.cancelled().contains(id)) {
        clients_.cancel("guardian", *row.header.key, CancelMode::kill);
        break;
      }
    }
    if (has_bulk_operators_ && cluster_.world.now() > script_over + kMostLeftAlone) cancel_what_is_left();
  }
}

/// A run that an operator brought back may wait for what it had once, or for a child that does: only an operator ends
/// it.
void Story::cancel_what_is_left() {
  for (const auto& [id, row] : cluster_.tables().open) {
    const bool waits =
        row.header.workflow == "guardian" || row.progress.waiting_on.find("\"signal\"") != std::string::npos;
    if (waits && witness_.retries_of(id) > 0) operators_.cancel(id);
  }
}

// ---- the end -----------------------------------------------------------------------------------------------------

void Story::check_ends() {
  findings_.keep_at_most(kMostFindings);
  witness_.check_last();
  for (const auto& name : clients_.unanswered()) findings_.add("I-1", "nobody answered: " + name);
  const auto& tables = cluster_.tables();
  for (const auto& [id, row] : tables.open)
    findings_.add("I-6", row.header.workflow + " " + id.str() + " did not end; it waits on " + row.progress.waiting_on);
  for (const auto& [key, message] : tables.inbox)
    findings_.add("I-7", "a message of kind " + message.row.kind + " never had its effect");
  for (const auto& [name, id] : clients_.runs()) {
    if (!tables.closed.contains(id) && !tables.open.contains(id))
      findings_.add("I-1", "the run " + name.first + " " + name.second + " was acknowledged and is gone");
  }
  for (const RunId id : clients_.promised()) {
    const auto found = tables.closed.find(id);
    if (found == tables.closed.end()) {
      findings_.add("I-1", "the run " + id.str() + " was promised and is not there");
    } else if (found->second.error == "RunKeyConflict" && !found->second.successor_run_id) {
      findings_.add("I-5", "the run " + id.str() + " gave way to nobody");
    }
  }
  for (const auto& run : cluster_.list_runs()) check_run(run);
  check_signals();
  remote_.check_ends();
  scheduled_.check_ends();
  if (has_bulk_operators_) bulk_operators_.check_ends();
  witness_.check_effects(Performers::transactional_states());
  for (const auto& [run, kills] : performers_.kills()) {
    if (kills > (kMostKills + witness_.snoozes_of(run)) * (1 + witness_.retries_of(run)))
      findings_.add("I-17", "run " + run.str() + " took " + std::to_string(kills) + " processes down");
  }
}

void Story::check_run(const store::RunView& run) {
  const std::string name = run.header.workflow + " " + run.header.id.str();
  if (run.header.kind == RunKind::job) {
    check_job(run.header.id);
  } else if (const std::string fault = cluster_.check_journal(run.header.id); !fault.empty()) {
    findings_.add("I-12", name + ": " + fault);
  }
  if (!is_closed(run.state)) return;
  const bool has_lost_workers = run.header.workflow == "poison" || run.header.workflow == "errand";
  if (run.state == RunState::failed && run.error == "Orchestrator.WorkerLost" && !has_lost_workers &&
      !performers_.kills().empty() && !temper_.crashes)
    findings_.add("I-17", name + " was blamed for what another run did");
  const bool may_fail = run.header.workflow == "stubborn" || has_lost_workers || temper_.crashes || temper_.freezes ||
                        temper_.clock_steps || has_bulk_operators_;
  if (run.state == RunState::failed && !may_fail)
    findings_.add("I-16", name + " failed: " + run.error.value_or("") + " " + run.cause.value_or(""));
  if (run.header.parent_run_id && run.header.parent_step != 0) {
    const auto& closed = cluster_.tables().closed;
    const auto parent = closed.find(*run.header.parent_run_id);
    // An operator's result, or another child after a retry, may stand for this one.
    const bool is_mended =
        witness_.was_skipped(*run.header.parent_run_id) || witness_.retries_of(*run.header.parent_run_id) > 0;
    if (parent != closed.end() && !is_mended && parent->second.state == RunState::succeeded &&
        run.state != RunState::succeeded)
      findings_.add("I-19", name + " did not succeed, but its parent did");
  }
}

/// What its row tells agrees with itself: the attempt that succeeded is the last one, and the failures come before it.
void Story::check_job(RunId id) {
  const auto row = cluster_.tables().closed.find(id);
  if (row == cluster_.tables().closed.end()) return;
  const store::ClosedRunRow& job = row->second;
  const std::string name = "job " + job.header.workflow + " " + id.str();
  if (job.state == RunState::succeeded && json_of(job.output).value("attempt", 0) != job.attempts)
    findings_.add("I-4", name + " has the output of another attempt than its last");
  if (!job.job_state) {
    if (job.state != RunState::succeeded) findings_.add("I-12", name + " cannot be brought back");
    return;
  }
  const auto record = decode_job_record(*job.job_state);
  if (!record) {
    findings_.add("I-12", name + ": " + record.error().message);
    return;
  }
  std::int32_t last = 0;
  for (const FailedAttempt& failure : record->failures) {
    if (failure.attempt < last && witness_.retries_of(id) == 0)
      findings_.add("I-12", name + " tells its failures in another order than they had");
    last = failure.attempt;
  }
  if (job.state == RunState::succeeded && last >= job.attempts && witness_.retries_of(id) == 0)
    findings_.add("I-12", name + " failed after its last attempt");
}

void Story::check_signals() {
  const auto& tables = cluster_.tables();
  for (const auto& [id, row] : tables.signals) {
    if (row.fate == store::SignalFate::delivered)
      findings_.add("I-8", "the signal " + row.id + " is on its way for ever");
    if (row.fate == store::SignalFate::buffered && row.key && row.name != "go") {
      // A run that ended without it was cancelled, or had it from somebody else: another signal, or an operator.
      const bool has_twin = std::any_of(tables.signals.begin(), tables.signals.end(), [&](const auto& other) {
        return other.second.fate == store::SignalFate::consumed && other.second.name == row.name;
      });
      const bool is_cancelled = std::any_of(tables.closed.begin(), tables.closed.end(), [&](const auto& run) {
        return run.second.header.key == row.key &&
               (run.second.state != RunState::succeeded || witness_.was_skipped(run.first));
      });
      if (!has_twin && !is_cancelled) findings_.add("I-8", "the signal " + row.id + " met nobody");
    }
  }
  check_broadcasts();
  for (const auto& [name, key, id] : clients_.signals()) {
    const bool is_there = std::any_of(tables.signals.begin(), tables.signals.end(), [&](const auto& signal) {
      return signal.second.name == name && signal.second.key == key && signal.second.id == id;
    });
    if (!is_there) findings_.add("I-1", "the signal " + id + " was acknowledged and is gone");
  }
}

/// I-27: each run that a broadcast reached has one copy of it, and each copy a fate.
void Story::check_broadcasts() {
  const auto& tables = cluster_.tables();
  std::set<std::pair<SignalId, RunId>> reached;
  for (const auto& [id, link] : tables.signal_links) {
    const auto copy = tables.signals.find(id);
    if (copy == tables.signals.end() || !copy->second.addressed_run_id) {
      findings_.add("I-27", "a copy of the broadcast " + link.origin.str() + " is gone");
    } else if (!reached.emplace(link.origin, *copy->second.addressed_run_id).second) {
      findings_.add("I-27", "a run got the broadcast " + link.origin.str() + " twice");
    }
  }
  for (const auto& [id, row] : tables.signals) {
    const bool is_copy = row.name == "bell" && row.addressed_run_id;
    if (is_copy && !tables.signal_links.contains(id))
      findings_.add("I-27", "a copy of a broadcast does not name it: " + id.str());
    if (row.name == "bell" && row.key && row.fate == store::SignalFate::buffered)
      findings_.add("I-27", "the broadcast " + row.id + " waits for somebody");
  }
}

}  // namespace orchestrator::testing
