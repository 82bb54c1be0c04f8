#include "tests/simulation/bulk_operators.hpp"

#include <algorithm>
#include <array>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing {
namespace {

using store::OperationAction;
using store::OperationState;

constexpr const char* kNamespace = "default";
constexpr Duration kMostBetween = std::chrono::seconds{6};
constexpr Duration kLookEvery = std::chrono::milliseconds{250};
/// Longer than a node lets anybody wait: lease and five seconds.
constexpr Duration kPatience = std::chrono::seconds{21};
/// Slow enough that a crash meets them in the middle.
constexpr std::int32_t kMostPerSecond = 12;
constexpr std::uint64_t kStopOneIn = 4;

/// Retries most of all: what they do twice would be done twice.
constexpr std::array kActions{OperationAction::retry,  OperationAction::retry,  OperationAction::retry,
                              OperationAction::cancel, OperationAction::pause,  OperationAction::pause,
                              OperationAction::resume, OperationAction::discard};
constexpr std::array kWorkflows{"order", "race",     "loop",      "flaky",  "stubborn", "payment", "family",
                                "ward",  "shipment", "gathering", "errand", "narrow",   "sleeper", "poison"};

/// Items that a holder may have in hand when it is stopped. Source: four chunks a second, service/operation_runner.cpp.
std::size_t chunk_of(const store::OperationView& view) {
  return static_cast<std::size_t>(std::max(view.rate_per_second / 4, 1));
}

}  // namespace

/// A start that is asked for until somebody answers.
struct BulkOperators::Start {
  service::StartOperation request;
  bool is_answered = false;
  bool will_stop = false;
};

std::string BulkOperators::any_node() {
  const auto names = cluster_.node_names();
  return names.empty() ? std::string{} : names[random_.next() % names.size()];
}

// ---- what they do ------------------------------------------------------------------------------------------------

void BulkOperators::go() {
  watch();
  start_one();
}

void BulkOperators::start_one() {
  cluster_.world.post_at(cluster_.world.now() + up_to(kMostBetween), [this] {
    if (is_calm_) return;
    auto start = std::make_shared<Start>();
    service::StartOperation& request = start->request;
    request.namespace_name = kNamespace;
    request.action = kActions[random_.next() % kActions.size()];
    request.rate_per_second = 1 + static_cast<std::int32_t>(random_.next() % kMostPerSecond);
    request.reason = "many at once";
    request.actor = "simulation";
    request.id = RunId{make_uuid7(cluster_.world.database_now(), ShardId{0}, random_.next())};
    // A cancel of everything would leave nothing to play.
    if (request.action == OperationAction::cancel || chance(3)) {
      request.filter.workflow = kWorkflows[random_.next() % kWorkflows.size()];
    } else if (chance(3)) {
      request.filter.text = "k";
    }
    if (request.action == OperationAction::cancel && chance(2)) request.arguments = make_payload({{"mode", "kill"}});
    start->will_stop = chance(kStopOneIn);
    ++unanswered_;
    ask(start);
    start_one();
  });
}

void BulkOperators::ask(const std::shared_ptr<Start>& start) {
  if (start->is_answered) return;
  cluster_.call(any_node(), [this, start](service::Service& service) {
    service.operations().start(
        start->request, [this, start](const Result<service::StartedOperation>& answer) { answered(start, answer); });
  });
  cluster_.world.post_at(cluster_.world.now() + kPatience, [this, start] { ask(start); });
}

void BulkOperators::answered(const std::shared_ptr<Start>& start, const Result<service::StartedOperation>& answer) {
  if (!answer && error_traits(answer.error().code).retryable) return;
  if (!answer) {
    findings_.add("I-26", "an operation was refused: " + answer.error().message);
  } else {
    const auto& rows = cluster_.tables().operations;
    const auto row = rows.find(*answer->operation_id);
    if (row == rows.end()) {
      findings_.add("I-1", "the operation " + answer->operation_id->str() + " was acknowledged, but it is not there");
    } else if (row->second.runs.size() != static_cast<std::size_t>(answer->matched)) {
      findings_.add("I-26", "the operation " + answer->operation_id->str() + " has " +
                                std::to_string(row->second.runs.size()) + " runs, not those that its start named");
    }
  }
  if (std::exchange(start->is_answered, true)) return;
  --unanswered_;
  if (!answer || !start->will_stop) return;
  cluster_.world.post_at(cluster_.world.now() + up_to(std::chrono::seconds{4}),
                         [this, id = *answer->operation_id] { stop(id); });
}

/// Whether it arrives is all the same. What it answers is not.
void BulkOperators::stop(store::OperationId id) {
  if (is_calm_) return;
  cluster_.call(any_node(), [this, id](service::Service& service) {
    service.operations().stop(
        kNamespace, id, Caller{"simulation", Role::admin}, [this, id](const Result<store::OperationView>& answer) {
          const OperationState state = cluster_.tables().operations.at(id).view.state;
          if (answer && state != OperationState::stopped)
            findings_.add("I-1", "the stop of operation " + id.str() + " was acknowledged, but it goes on");
          if (!answer && answer.error().slug == "wrong-state" && state != OperationState::done)
            findings_.add("I-26", "the stop of operation " + id.str() + " was refused, but it is not done");
        });
  });
}

// ---- while they do it --------------------------------------------------------------------------------------------

void BulkOperators::watch() {
  for (const auto& [id, row] : cluster_.tables().operations) look_at(id, row);
  cluster_.world.post_at(cluster_.world.now() + kLookEvery, [this] { watch(); });
}

void BulkOperators::look_at(store::OperationId id, const Row& row) {
  const std::string name = "operation " + id.str();
  const store::OperationView& view = row.view;
  const auto [found, is_new] = known_.try_emplace(id, Known{.runs = row.runs});
  Known& before = found->second;
  if (is_new && std::set<RunId>(row.runs.begin(), row.runs.end()).size() != row.runs.size())
    findings_.add("I-26", name + " has a run twice");
  if (row.runs != before.runs) findings_.add("I-26", name + " changed its mind about its runs");
  if (static_cast<std::size_t>(view.matched) != row.runs.size())
    findings_.add("I-26", name + " matched " + std::to_string(view.matched) + " runs and has others");
  if (view.done + view.failed != row.next_item)
    findings_.add("I-26", name + " stands at " + std::to_string(row.next_item) + " with " + std::to_string(view.done) +
                              " done and " + std::to_string(view.failed) + " failed");
  if (row.next_item < before.next_item) findings_.add("I-26", name + " went back");
  // What was in hand at a stop is still counted.
  const std::size_t most = before.at_stop ? *before.at_stop + chunk_of(view) : row.runs.size();
  if (static_cast<std::size_t>(row.next_item) > most) findings_.add("I-26", name + " went on after its stop");
  if (before.state != OperationState::running && view.state != before.state)
    findings_.add("I-26", name + " began anew after its end");
  if (view.state == OperationState::stopped && !before.at_stop)
    before.at_stop = static_cast<std::size_t>(row.next_item);
  if (view.state == OperationState::done && row.next_item != view.matched)
    findings_.add("I-26", name + " is done and has left runs out");
  before.next_item = row.next_item;
  before.state = view.state;
}

bool BulkOperators::are_over() const {
  const auto& rows = cluster_.tables().operations;
  return unanswered_ == 0 && std::all_of(rows.begin(), rows.end(), [](const auto& row) {
           return row.second.view.state != OperationState::running;
         });
}

// ---- the end -----------------------------------------------------------------------------------------------------

void BulkOperators::check_ends() {
  if (unanswered_ > 0) findings_.add("I-1", "nobody answered the start of an operation");
  for (const auto& [id, row] : cluster_.tables().operations) {
    look_at(id, row);
    if (row.view.state == OperationState::running) findings_.add("I-26", "operation " + id.str() + " has no end");
    check_failures(id, row);
    check_items(id, row);
  }
}

/// Each refusal that is kept has its run and its reason, and no run has two.
void BulkOperators::check_failures(store::OperationId id, const Row& row) {
  const std::string name = "operation " + id.str();
  const auto failures = parse_json(row.view.failures);
  const auto expected = std::min(static_cast<std::size_t>(row.view.failed), store::kMaxOperationFailures);
  if (!failures || !failures->is_array() || failures->size() != expected) {
    findings_.add("I-26", name + " does not say why " + std::to_string(row.view.failed) + " of its runs were refused");
    return;
  }
  std::set<std::string> told;
  const auto end = row.runs.begin() + row.next_item;
  for (const Json& failure : *failures) {
    const std::string run = string_member(failure, "run_id");
    const bool is_tried = std::any_of(row.runs.begin(), end, [&](RunId tried) { return tried.str() == run; });
    if (!is_tried || string_member(failure, "code").empty())
      findings_.add("I-26", name + " refused what it did not try");
    if (!told.insert(run).second) findings_.add("I-26", name + " refused run " + run + " twice");
  }
}

void BulkOperators::check_items(store::OperationId id, const Row& row) {
  std::set<std::string> refused;
  for (const Json& failure : parse_json(row.view.failures).value_or(Json::array()))
    refused.insert(string_member(failure, "run_id"));
  for (std::size_t item = 0; item < row.runs.size(); ++item) check_item(id, row, item, refused);
}

/// One outcome: done once, refused and nothing done, or not tried.
void BulkOperators::check_item(store::OperationId id, const Row& row, std::size_t item,
                               const std::set<std::string>& refused) {
  const RunId run = row.runs[item];
  const std::string where = "operation " + id.str() + ", run " + run.str() + ": ";
  const int effects = witness_.effects_of_operation(id.str(), run);
  const auto tried = static_cast<std::size_t>(row.next_item);
  if (effects > 1) findings_.add("I-26", where + "done " + std::to_string(effects) + " times");
  // What was in hand when it was stopped may still have been done.
  if (item >= tried + chunk_of(row.view) && effects > 0) findings_.add("I-26", where + "done after the stop");
  const auto closed = cluster_.tables().closed.find(run);
  const bool is_job = closed != cluster_.tables().closed.end() && closed->second.header.kind == RunKind::job;
  const bool are_refusals_known = static_cast<std::size_t>(row.view.failed) <= store::kMaxOperationFailures;
  if (row.view.action != OperationAction::retry || item >= tried || is_job || !are_refusals_known) return;
  const bool has_succeeded = closed != cluster_.tables().closed.end() && closed->second.state == RunState::succeeded;
  if (refused.contains(run.str())) {
    if (effects > 0) findings_.add("I-26", where + "done and said to be refused");
  } else if (effects == 0 && !has_succeeded) {
    findings_.add("I-26", where + "said to be done, and its history does not tell");
  }
}

}  // namespace orchestrator::testing
