#include "tests/simulation/remote_performers.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing {
namespace {

constexpr const char* kNamespace = "default";
/// Longer than a node lets anybody wait: lease and five seconds.
constexpr Duration kPatience = std::chrono::seconds{21};
/// The next owner reckons a lease's end by its own picture of the database's clock.
constexpr Duration kLeaseSlack = std::chrono::milliseconds{500};

}  // namespace

struct RemotePerformers::Report {
  HeldPtr held;
  Outcome outcome;
  std::function<void(Result<runtime::TaskAnswer>)> answered;
  std::uint64_t attempt = 0;
  bool is_done = false;
};

RemotePerformers::RemotePerformers(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings,
                                   std::uint64_t seed)
    : cluster_(cluster), witness_(witness), findings_(findings), random_(seed) {}

void RemotePerformers::go(int workers) {
  for (int i = 0; i < workers; ++i) claim("w" + std::to_string(i));
}

void RemotePerformers::later(Duration most, std::function<void()> action) {
  const Duration when{static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(most.count()))};
  cluster_.world.post_at(cluster_.world.now() + when, std::move(action));
}

std::string RemotePerformers::any_node() {
  const auto names = cluster_.node_names();
  return names.empty() ? std::string{} : names[random_.next() % names.size()];
}

// ---- claims ------------------------------------------------------------------------------------------------------

void RemotePerformers::claim(const std::string& worker) {
  runtime::ClaimRequest request;
  request.filter = {kNamespace, kQueue, {}};
  if (chance(2)) request.filter.handlers = {kHandler};
  request.terms.worker_id = worker;
  request.terms.lease = std::chrono::seconds{2 + random_.next() % 8};
  request.max_tasks = 1 + random_.next() % 3;
  request.wait = std::chrono::seconds{random_.next() % 6};
  const Duration lease = request.terms.lease;
  // Shared by the answer and the end of patience: whichever comes first lets the worker go on.
  auto is_waiting = std::make_shared<bool>(true);
  const auto go_on = [this, worker, is_waiting] {
    if (std::exchange(*is_waiting, false)) later(std::chrono::milliseconds{300}, [this, worker] { claim(worker); });
  };
  cluster_.world.post_at(cluster_.world.now() + request.wait + kPatience, go_on);
  const bool is_lost = !is_calm_ && chance(12);
  cluster_.call(any_node(), [this, request, worker, lease, is_lost, is_waiting, go_on](service::Service& service) {
    service.remote_workers().claim(request, [this, worker, lease, is_lost, is_waiting, go_on,
                                             &service](const Result<std::vector<runtime::ClaimedTask>>& tasks) {
      if (!tasks) return go_on();
      for (const auto& task : *tasks) check_claim(task);
      if (is_lost || !*is_waiting) {
        // The connection broke. A server that notices gives the tasks back; else their leases end.
        if (!tasks->empty() && chance(2)) service.remote_workers().give_back(kNamespace, *tasks);
        return go_on();
      }
      claimed(worker, *tasks, lease);
      go_on();
    });
  });
}

void RemotePerformers::check_claim(const runtime::ClaimedTask& task) {
  const std::string where =
      "run " + task.run_id.str() + ", " + task.state_name + ", attempt " + std::to_string(task.attempt) + ", claimed";
  if (!witness_.was_scheduled(task.run_id, task.state_name, task.attempt))
    findings_.add("I-1", where + " before its hand-out was committed");
  const auto [known, is_new] = keys_.try_emplace(task.run_id.str() + "/" + task.state_name, task.idempotency_key);
  if (!is_new && known->second != task.idempotency_key)
    findings_.add("I-9", where + ": the key was " + known->second + " and is " + task.idempotency_key);
  const auto holder = holders_.find(task.idempotency_key);
  // Who brings a killed run back takes it that its last worker may still be at it.
  if (holder == holders_.end() || are_leases_doubted() || witness_.retries_of(task.run_id) > 0) return;
  const Held& other = *holder->second;
  if (!other.is_over && other.kept_until && *other.kept_until > cluster_.world.database_now() + kLeaseSlack)
    findings_.add("I-22", where + " while another worker's heartbeat had been answered with a lease until " +
                              to_rfc3339(*other.kept_until));
}

void RemotePerformers::claimed(const std::string& worker, const std::vector<runtime::ClaimedTask>& tasks,
                               Duration lease) {
  for (const auto& task : tasks) {
    auto held = std::make_shared<Held>();
    held->task = task;
    held->number = next_number_++;
    holders_[task.idempotency_key] = held;
    work(worker, held, lease);
  }
}

void RemotePerformers::work(const std::string& /*worker*/, HeldPtr held, Duration lease) {
  const auto complete_it = [this, held] { complete(held); };
  switch (is_calm_ ? 0 : random_.next() % 8) {
    case 0:
    case 1: later(std::chrono::seconds{1}, complete_it); break;
    case 2: beat(held, lease, 1 + static_cast<int>(random_.next() % 6), complete_it); break;
    case 3: break;                                                                      // vanished
    case 4: beat(held, lease, 1 + static_cast<int>(random_.next() % 3), [] {}); break;  // vanished later
    case 5:
      cluster_.world.post_at(cluster_.world.now() + lease, [this, complete_it] {
        later(std::chrono::seconds{3}, complete_it);  // too late, as far as it knows
      });
      break;
    case 6:
      report(held, Outcome::failed("Flaky", "it happens"),
             [held](const Result<runtime::TaskAnswer>&) { held->is_over = true; });
      break;
    default: give_back(held); break;
  }
}

// ---- reports -----------------------------------------------------------------------------------------------------

void RemotePerformers::beat(const HeldPtr& held, Duration lease, int times, std::function<void()> then) {
  if (times == 0) return then();
  cluster_.world.post_at(cluster_.world.now() + lease / 3, [this, held, lease, times, then] {
    if (held->is_over) return;
    const std::string node = any_node();
    cluster_.call(node, [held](service::Service& service) {
      service::ReportTask report;
      report.namespace_name = kNamespace;
      report.token = held->task.token;
      report.kind = runtime::TaskReport::Kind::heartbeat;
      report.details = make_payload({{"beats", held->number}});
      service.remote_workers().report(report, [held](const Result<runtime::TaskAnswer>& answer) {
        if (answer) held->kept_until = std::max(answer->lease_expires_at, held->kept_until.value_or(Timestamp{}));
        if (!answer && answer.error().slug == "stale-lease") held->is_over = true;
        if (answer && answer->cancel_requested) held->is_over = true;  // it will stop: nobody is owed the lease
      });
    });
    beat(held, lease, times - 1, then);
  });
}

void RemotePerformers::report(const HeldPtr& held, Outcome outcome,
                              std::function<void(Result<runtime::TaskAnswer>)> answered) {
  auto report = std::make_shared<Report>();
  report->held = held;
  report->outcome = std::move(outcome);
  report->answered = std::move(answered);
  try_report(report);
}

void RemotePerformers::try_report(const std::shared_ptr<Report>& report) {
  const std::uint64_t attempt = ++report->attempt;
  const auto again = [this, report, attempt] {
    if (report->is_done || attempt != report->attempt) return;
    later(std::chrono::milliseconds{500}, [this, report, attempt] {
      if (!report->is_done && attempt == report->attempt) try_report(report);
    });
  };
  cluster_.world.post_at(cluster_.world.now() + kPatience, again);
  const bool is_lost = !is_calm_ && chance(10);
  cluster_.call(any_node(), [this, report, attempt, again, is_lost](service::Service& service) {
    service::ReportTask said;
    said.namespace_name = kNamespace;
    said.token = report->held->task.token;
    said.outcome = report->outcome;
    service.remote_workers().report(
        said, [this, report, attempt, again, is_lost](const Result<runtime::TaskAnswer>& answer) {
          // An acknowledgement counts whether or not it reaches anybody.
          const bool is_completion = report->outcome.kind == Outcome::Kind::completed;
          if (answer && is_completion && !counted(report->held->task.run_id, report->held->number))
            findings_.add("I-1", "a completion of run " + report->held->task.run_id.str() +
                                     " was acknowledged and is not in its journal");
          if (report->is_done || attempt != report->attempt) return;
          if (is_lost || (!answer && error_traits(answer.error().code).retryable)) return again();
          report->is_done = true;
          report->answered(answer);
        });
  });
}

void RemotePerformers::complete(const HeldPtr& held) {
  report(held, Outcome::completed(make_payload({{"errand", held->number}})),
         [this, held, is_stale = held->is_over](const Result<runtime::TaskAnswer>& answer) {
           if (answer && is_stale)
             findings_.add("I-22", "a token that was settled before completed run " + held->task.run_id.str());
           held->is_over = true;
           (answer ? acknowledged_ : refused_).emplace(held->number, held->task.run_id);
         });
}

/// And now and then tries to have the last word all the same.
void RemotePerformers::give_back(const HeldPtr& held) {
  const Duration delay{static_cast<std::int64_t>(random_.next() % 2'000'000)};
  report(held, Outcome::snoozed(delay), [this, held](const Result<runtime::TaskAnswer>& answer) {
    held->is_over = true;
    if (!answer || chance(2)) return;
    later(std::chrono::seconds{4}, [this, held] { complete(held); });
  });
}

// ---- the end -----------------------------------------------------------------------------------------------------

bool RemotePerformers::counted(RunId run, int number) const {
  const auto journal = cluster_.tables().journal.find(run);
  if (journal == cluster_.tables().journal.end()) return false;
  const std::string output = dump_json({{"errand", number}});
  return std::any_of(journal->second.begin(), journal->second.end(),
                     [&](const auto& row) { return row.second.events.find(output) != std::string::npos; });
}

void RemotePerformers::check_ends() {
  for (const auto& [number, run] : acknowledged_) {
    if (!counted(run, number))
      findings_.add("I-1", "an acknowledged completion is not in the journal of run " + run.str());
  }
  for (const auto& [number, run] : refused_) {
    if (counted(run, number))
      findings_.add("I-22", "a completion that was refused is in the journal of run " + run.str());
  }
}

}  // namespace orchestrator::testing
