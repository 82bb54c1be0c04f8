#include "tests/simulation/commit_witness.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/batch.hpp"

namespace orchestrator::testing {
namespace {

std::optional<RunState> end_of(EventType type) {
  switch (type) {
    case EventType::ExecutionSucceeded: return RunState::succeeded;
    case EventType::ExecutionFailed: return RunState::failed;
    case EventType::ExecutionTimedOut: return RunState::timed_out;
    case EventType::ExecutionAborted: return RunState::cancelled;
    default: return std::nullopt;
  }
}

/// A moment among the event's details, such as the end of a wait.
std::optional<Timestamp> moment(const HistoryEvent& event, const char* name) {
  const Json& details = json_of(event.details);
  if (!details.is_object() || !details.contains(name)) return std::nullopt;
  return from_micros(details[name].get<std::int64_t>());
}

bool is_final(store::SignalFate fate) {
  return fate != store::SignalFate::buffered && fate != store::SignalFate::delivered;
}

std::string operation_of(const HistoryEvent& event) {
  return event.details ? string_member(*event.details, "operation_id") : std::string{};
}

/// What no paused run does.
bool begins_something(EventType type) {
  switch (type) {
    case EventType::TaskStateEntered:
    case EventType::PassStateEntered:
    case EventType::ChoiceStateEntered:
    case EventType::WaitStateEntered:
    case EventType::ParallelStateEntered:
    case EventType::MapStateEntered:
    case EventType::MapIterationStarted:
    case EventType::SignalAwaited:
    case EventType::SignalConsumed:
    case EventType::ChildRequested: return true;
    default: return false;
  }
}

}  // namespace

void CommitWitness::before_commit(const store::Batch& all, Timestamp database_now, bool exact_clock) {
  check_last();
  if (!findings_.empty()) return;
  ++commits_;
  database_now_ = database_now;
  exact_clock_ = exact_clock;

  std::vector<ShardId> stale;
  for (const auto& lease : all.leases) {
    if (tables_.owners[static_cast<std::size_t>(to_int(lease.shard))].epoch != lease.epoch)
      stale.push_back(lease.shard);
  }
  for (const auto& row : all.journal) {
    const bool is_stale = std::find(stale.begin(), stale.end(), row.shard) != stale.end();
    const auto journal = tables_.journal.find(row.run_id);
    const bool is_there = journal != tables_.journal.end() && journal->second.contains(row.seq);
    if (is_stale && !is_there) fenced_off_.push_back(row);
  }
  const store::Batch batch = stale.empty() ? all : store::without_shards(all, stale);
  for (const auto& row : batch.journal) see_journal(row);
  see_runs(batch);
  see_signals(batch);
  see_messages(batch);
}

void CommitWitness::check_last() {
  for (const auto& row : std::exchange(fenced_off_, {})) {
    const auto journal = tables_.journal.find(row.run_id);
    const bool is_there = journal != tables_.journal.end() && journal->second.contains(row.seq) &&
                          journal->second.at(row.seq).events == row.events;
    if (is_there) findings_.add("I-2", "a write under an old epoch changed run " + row.run_id.str());
  }
  for (const auto& [run, seq] : std::exchange(written_, {})) {
    const auto journal = tables_.journal.find(run);
    if (journal == tables_.journal.end() || !journal->second.contains(seq))
      findings_.add("I-3", "the store refused a batch with event " + std::to_string(seq) + " of run " + run.str());
  }
}

// ---- journals ----------------------------------------------------------------------------------------------------

void CommitWitness::see_journal(const store::JournalRow& row) {
  const auto events = decode_events(row.events, row.seq, row.at);
  if (!events || events->empty()) {
    findings_.add("I-3", "a journal row of run " + row.run_id.str() + " cannot be read");
    return;
  }
  Seen& seen = runs_[row.run_id];
  seen.shard = row.shard;
  if (row.seq != seen.next) {
    findings_.add("I-3", "run " + row.run_id.str() + " continues at event " + std::to_string(row.seq) + ", not at " +
                             std::to_string(seen.next));
  }
  // The first events of a row may tell of a start that was earlier; its last one is the moment of the decision.
  if (events->back().at < seen.last_at)
    findings_.add("I-3", "the history of run " + row.run_id.str() + " goes back in time");
  for (const auto& event : *events) see_event(seen, row, event);
  seen.next = row.seq + static_cast<EventId>(events->size());
  seen.last_at = events->back().at;
  written_.emplace_back(row.run_id, row.seq);
}

void CommitWitness::see_event(Seen& seen, const store::JournalRow& row, const HistoryEvent& event) {
  const std::string where =
      "run " + row.run_id.str() + ", event " + std::to_string(event.id) + " " + std::string(to_string(event.type));
  if (seen.closed && event.type != EventType::RunRetried) findings_.add("I-14", where + " follows the run's end");
  if (seen.is_paused && begins_something(event.type)) findings_.add("I-25", where + " although the run is paused");
  if (const std::string operation = operation_of(event); !operation.empty()) ++seen.by_operation[operation];
  Thread& thread = seen.threads[event.scope];
  if (!event.state_name.empty()) {
    seen.entered.insert(event.state_name);
    thread = Thread{.state = event.state_name, .attempt = 0, .is_open = false, .not_before = std::nullopt};
  }
  if (event.type == EventType::TaskSnoozed) ++seen.snoozes;
  const auto close_attempt = [&] {
    if (!thread.is_open) findings_.add("I-4", where + " is an outcome of no open attempt");
    thread.is_open = false;
  };
  const auto check_moment = [&] {
    if (thread.not_before && event.at < *thread.not_before) findings_.add("I-11", where + " came too early");
    if (thread.not_before && exact_clock_ && database_now_ < *thread.not_before)
      findings_.add("I-11", where + " came too early for the database's clock");
    thread.not_before.reset();
  };
  switch (event.type) {
    case EventType::WaitStateEntered: thread.not_before = moment(event, "until"); break;
    case EventType::WaitStateExited: check_moment(); break;
    case EventType::TaskScheduled:
      check_moment();
      if (thread.is_open) findings_.add("I-4", where + " while another attempt is open");
      thread.is_open = true;
      seen.scheduled.emplace(thread.state, ++thread.attempt);
      break;
    case EventType::TaskSucceeded: {
      const Json& result = json_of(event.value);
      if (thread.is_open && result.is_object() && result.contains("attempt") &&
          result["attempt"] != Json(thread.attempt)) {
        findings_.add("I-4", where + " is what attempt " + dump_json(result["attempt"]) + " said, but " +
                                 std::to_string(thread.attempt) + " is open");
      }
      thread.is_open = false;
      ++seen.succeeded[thread.state];
      break;
    }
    case EventType::TaskSnoozed:
      close_attempt();
      --thread.attempt;
      thread.not_before = moment(event, "until");
      break;
    case EventType::TaskFailed:
    case EventType::TaskTimedOut:
      thread.is_open = false;
      thread.not_before = moment(event, "retry_at");
      break;
    case EventType::TaskLost: close_attempt(); break;
    case EventType::InquiryAnswered:
    case EventType::InquiryFailed: thread.not_before = moment(event, "retry_at"); break;
    case EventType::InquiryScheduled:
      check_moment();
      thread.is_open = false;
      break;
    case EventType::SignalConsumed: {
      const Json& signal = json_of(event.value);
      const auto id = SignalId::parse(string_member(signal, "signal_id"));
      if (!id) {
        findings_.add("I-8", where + " names no signal");
      } else if (!consumed_.emplace(*id, row.run_id).second) {
        findings_.add("I-8", where + " consumes signal " + id->str() + " a second time");
      }
      break;
    }
    case EventType::CancelRequested:
      seen.is_cancelling = true;
      seen.is_paused = false;
      break;
    case EventType::StepSkipped:
      seen.is_skipped = true;
      thread.is_open = false;
      thread.not_before.reset();
      break;
    case EventType::RunEdited:
      if (const auto run_at = moment(event, "run_at")) {
        for (auto& [scope, other] : seen.threads) {
          if (other.not_before) other.not_before = run_at;
        }
      }
      break;
    case EventType::RunPaused: seen.is_paused = true; break;
    case EventType::RunResumed: seen.is_paused = false; break;
    case EventType::RunRetried:
      if (!seen.closed) findings_.add("I-14", where + " although the run is open");
      seen.closed.reset();
      seen.is_cancelling = false;
      ++seen.retries;
      for (auto& [scope, other] : seen.threads) other.is_open = false;
      break;
    default: break;
  }
  if (const auto end = end_of(event.type)) {
    if (seen.is_cancelling && *end == RunState::succeeded)
      findings_.add("I-20", where + " although its cancellation was recorded");
    seen.closed = *end;
    seen.is_paused = false;
  }
}

// ---- rows --------------------------------------------------------------------------------------------------------

void CommitWitness::see_progress(RunId id, const store::RunProgress& progress) {
  if (is_closed(progress.state)) findings_.add("I-6", "the open row of run " + id.str() + " has a closed state");
  if (progress.waiting_on.empty() || progress.waiting_on == "[]")
    findings_.add("I-6", "run " + id.str() + " is open and waits for nothing");
  if (progress.at_rest && progress.state != RunState::waiting && progress.state != RunState::paused)
    findings_.add("I-6", "run " + id.str() + " rests although it is " + std::string(to_string(progress.state)));
}

/// Jobs have no journal: their rows are all there is.
void CommitWitness::see_jobs(const store::Batch& batch) {
  for (const RunId& id : batch.revived) {
    const auto job = tables_.closed.find(id);
    if (job == tables_.closed.end() || job->second.header.kind != RunKind::job) continue;
    runs_[id].closed.reset();
    ++runs_[id].retries;
  }
  std::set<RunId> closing;
  for (const auto& row : batch.closed) closing.insert(row.header.id);
  for (const auto& row : batch.closed) {
    if (row.header.kind != RunKind::job) continue;
    runs_[row.header.id].closed = row.state;
    if (row.state != RunState::succeeded || !row.header.job || row.header.job->order_key.empty()) continue;
    for (const auto& [id, other] : tables_.open) {
      const auto& spec = other.header.job;
      const bool is_before = spec && spec->order_key == row.header.job->order_key &&
                             spec->order_number < row.header.job->order_number && !closing.contains(id);
      if (is_before)
        findings_.add("I-23", "job " + row.header.id.str() + " is done before job " + id.str() + " of its order key");
    }
  }
}

void CommitWitness::see_runs(const store::Batch& batch) {
  see_jobs(batch);
  for (const auto& row : batch.closed) {
    const RunId id = row.header.id;
    const auto seen = runs_.find(id);
    if (seen == runs_.end() || seen->second.closed != row.state)
      findings_.add("I-12", "run " + id.str() + " is closed as " + std::string(to_string(row.state)) +
                                ", which its journal does not say");
    if (!row.header.key) continue;
    const auto key = open_keys_.find({row.header.namespace_name, row.header.workflow, *row.header.key});
    if (key != open_keys_.end() && key->second == id) open_keys_.erase(key);
  }
  for (const auto& row : batch.opened) {
    const RunId id = row.header.id;
    const auto seen = runs_.find(id);
    const bool has_journal = row.header.kind == RunKind::workflow;
    if (has_journal && (seen == runs_.end() || seen->second.closed))
      findings_.add("I-12", "run " + id.str() + " is opened, but its journal does not say so");
    see_progress(id, row.progress);
    if (!row.header.key) continue;
    const Key key{row.header.namespace_name, row.header.workflow, *row.header.key};
    const auto [holder, is_free] = open_keys_.try_emplace(key, id);
    if (!is_free && holder->second != id)
      findings_.add("I-5", "run " + id.str() + " is opened with the key " + *row.header.key + " of the open run " +
                               holder->second.str());
  }
  for (const auto& row : batch.updated) see_progress(row.run_id, row.progress);
}

void CommitWitness::see_signals(const store::Batch& batch) {
  for (const auto& row : batch.signals) {
    const auto known = tables_.signals.find(row.signal_id);
    if (known != tables_.signals.end() && is_final(known->second.fate) && row.fate != known->second.fate) {
      findings_.add("I-8", "signal " + row.signal_id.str() + " was " +
                               std::string(store::to_string(known->second.fate)) + " and becomes " +
                               std::string(store::to_string(row.fate)));
    }
    const auto taken = consumed_.find(row.signal_id);
    // A broadcast stands for its copies, each of which some run takes or not.
    const bool is_taken = row.fate == store::SignalFate::consumed && row.reason != "broadcast";
    if (is_taken && (taken == consumed_.end() || taken->second != row.run_id))
      findings_.add("I-8", "signal " + row.signal_id.str() + " is consumed, but no journal says by whom");
    // A run that took it is its end, wherever its own row is.
    if (row.fate != store::SignalFate::consumed && row.fate != store::SignalFate::delivered &&
        taken != consumed_.end()) {
      findings_.add("I-8", "signal " + row.signal_id.str() + " was consumed and becomes " +
                               std::string(store::to_string(row.fate)));
    }
  }
}

void CommitWitness::see_messages(const store::Batch& batch) {
  std::set<std::pair<ShardId, MessageId>> done;
  for (const auto& ref : batch.inbox_done) {
    const bool is_known = tables_.inbox.contains({ref.shard, ref.id});
    const bool is_new = std::any_of(batch.outgoing.begin(), batch.outgoing.end(),
                                    [&](const auto& outgoing) { return outgoing.message.id == ref.id; });
    if (!is_known && !is_new) findings_.add("I-7", "message " + ref.id.str() + " has its effect a second time");
    if (!done.emplace(ref.shard, ref.id).second)
      findings_.add("I-7", "message " + ref.id.str() + " has its effect twice in one batch");
  }
}

// ---- effects -----------------------------------------------------------------------------------------------------

void CommitWitness::step_committed(const store::Batch& batch, const std::vector<store::memory::Statement>& statements) {
  for (const auto& statement : statements) {
    const std::string& key = statement.parameters.at(0).value();
    const auto run = RunId::parse(statement.parameters.at(1).value());
    const std::string& state = statement.parameters.at(2).value();
    if (++effects_[key] > 1) findings_.add("I-10", "the effect " + key + " is committed a second time");
    ++effects_of_[{*run, state}];
    bool is_told = false;
    for (const auto& row : batch.journal) {
      is_told = is_told || (row.run_id == *run && row.events.find("\"TaskSucceeded\"") != std::string::npos);
    }
    for (const auto& row : batch.closed) {
      // A cancellation that came first decides the end of a job, and its output tells that the work was done.
      const bool is_done = row.state == RunState::succeeded || (row.state == RunState::cancelled && row.output);
      is_told = is_told || (row.header.id == *run && row.header.kind == RunKind::job && is_done);
    }
    if (!is_told) findings_.add("I-10", "the effect " + key + " is committed without its step");
  }
}

void CommitWitness::check_effects(const std::set<std::string>& transactional_states) {
  for (const auto& [id, seen] : runs_) {
    for (const auto& state : transactional_states) {
      const auto steps = seen.succeeded.find(state);
      const auto effects = effects_of_.find({id, state});
      const int step_count = steps == seen.succeeded.end() ? 0 : steps->second;
      const int effect_count = effects == effects_of_.end() ? 0 : effects->second;
      if (step_count != effect_count) {
        findings_.add("I-10", "run " + id.str() + " has " + std::to_string(step_count) + " steps " + state + " and " +
                                  std::to_string(effect_count) + " effects of them");
      }
    }
  }
}

// ---- questions ---------------------------------------------------------------------------------------------------

bool CommitWitness::was_scheduled(RunId run, const std::string& state, std::int32_t attempt) const {
  if (const auto open = tables_.open.find(run); open != tables_.open.end() && open->second.header.kind == RunKind::job)
    return open->second.progress.attempts >= attempt;
  // Over meanwhile: a node that was frozen may still begin it, within its lease.
  if (const auto over = tables_.closed.find(run);
      over != tables_.closed.end() && over->second.header.kind == RunKind::job)
    return over->second.attempts >= attempt;
  const auto seen = runs_.find(run);
  return seen != runs_.end() && seen->second.scheduled.contains({state, attempt});
}

bool CommitWitness::was_cancelled(RunId run) const {
  if (const auto open = tables_.open.find(run); open != tables_.open.end() && open->second.header.kind == RunKind::job)
    return open->second.progress.job_state.value_or("").find("\"cancelling\"") != std::string::npos;
  const auto seen = runs_.find(run);
  return seen != runs_.end() && (seen->second.is_cancelling || seen->second.closed);
}

int CommitWitness::snoozes_of(RunId run) const {
  const auto seen = runs_.find(run);
  return seen == runs_.end() ? 0 : seen->second.snoozes;
}

int CommitWitness::effects_of_operation(const std::string& operation, RunId run) const {
  const auto seen = runs_.find(run);
  if (seen == runs_.end()) return 0;
  const auto effects = seen->second.by_operation.find(operation);
  return effects == seen->second.by_operation.end() ? 0 : effects->second;
}

bool CommitWitness::was_entered(RunId run, const std::string& state) const {
  const auto found = runs_.find(run);
  return found != runs_.end() && found->second.entered.contains(state);
}

bool CommitWitness::was_skipped(RunId run) const {
  const auto seen = runs_.find(run);
  return seen != runs_.end() && seen->second.is_skipped;
}

int CommitWitness::retries_of(RunId run) const {
  const auto seen = runs_.find(run);
  return seen == runs_.end() ? 0 : seen->second.retries;
}

}  // namespace orchestrator::testing
