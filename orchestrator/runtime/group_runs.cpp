// Runs in memory: finding them, deciding about them, and turning decisions into rows.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// A checkpoint pays off when replaying is dearer than writing it: after this many journal rows, more for big states.
constexpr int kRowsPerCheckpoint = 20;
constexpr std::size_t kCheckpointBytesPerRow = 256;

Status not_owned() { return fail(ErrorCode::unavailable, "the owner of this run is changing; try again"); }

KeyConflict parse_conflict(const std::string& word) {
  if (word == "return_existing") return KeyConflict::return_existing;
  if (word == "cancel_existing") return KeyConflict::cancel_existing;
  return KeyConflict::reject;
}

}  // namespace

ShardGroup::ShardGroup(Parts parts)
    : parts_(std::move(parts)),
      clock_(parts_.clock),
      loader_(parts_.store, parts_.executor),
      suspects_(parts_.max_suspects_in_hand),
      random_state_(parts_.seed),
      token_secret_(parts_.store.cluster_secret()) {}

/// Suspects that go with this group are counted down in their lanes: none of them shall ask it for more.
ShardGroup::~ShardGroup() {
  for (const auto& [id, shard] : shards_) shard->parked.clear();
}

std::uint64_t ShardGroup::random() {
  random_state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = random_state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

core::Inputs ShardGroup::inputs() { return {clock_.now(), random()}; }

Shard* ShardGroup::find_shard(ShardId shard) {
  const auto found = shards_.find(shard);
  return found == shards_.end() ? nullptr : found->second.get();
}

bool ShardGroup::when_active(ShardId shard_id, std::function<void()> work) {
  Shard* shard = find_shard(shard_id);
  if (shard == nullptr) return false;
  if (shard->phase == Shard::Phase::active) {
    work();
  } else if (shard->waiting_requests.size() >= kMaxWaitingRequests) {
    return false;
  } else {
    shard->waiting_requests.push_back(std::move(work));
  }
  return true;
}

/// Outcomes and time-outs of tasks wait without a limit: there are never more of them than tasks in hand.
bool ShardGroup::is_crowded(ShardId shard_id) {
  const Shard* shard = find_shard(shard_id);
  return shard != nullptr && shard->waiting_requests.size() >= kMaxWaitingRequests;
}

void ShardGroup::with_run(RunId run_id, RunFound found) {
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr) {
    found(not_owned().error());
    return;
  }
  if (shard->phase != Shard::Phase::active) {
    shard->waiting_requests.push_back(
        [this, run_id, found = std::move(found)]() mutable { with_run(run_id, std::move(found)); });
    return;
  }
  if (const auto in_memory = shard->runs.find(run_id); in_memory != shard->runs.end()) {
    RunEntry& entry = *in_memory->second;
    if (entry.committing) {
      entry.waiting_events.push_back(
          [this, run_id, found = std::move(found)]() mutable { with_run(run_id, std::move(found)); });
    } else {
      found(&entry);
    }
    return;
  }
  if (const Refusal* refusal = refusal_of(shard_of(run_id), run_id);
      refusal != nullptr && refusal->phase == Refusal::Phase::unwritable) {
    found(refusal->error());
    return;
  }
  const auto [waiting, is_first] = shard->loading.try_emplace(run_id);
  waiting->second.push_back(std::move(found));
  if (!is_first) return;
  loader_.run(run_id, [this, run_id, generation = shard->generation](Result<std::optional<store::LoadedRun>> loaded,
                                                                     std::vector<store::SignalRow> addressed) {
    Shard* owner = find_shard(shard_of(run_id));
    if (owner == nullptr || owner->generation != generation)
      return;  // the waiting ones were told when memory was dropped
    if (const auto begun = owner->runs.find(run_id); begun != owner->runs.end()) {
      // It began while we looked: what is in memory is newer than what was read.
      finish_loading(*owner, run_id, begun->second.get());
    } else if (!loaded) {
      finish_loading(*owner, run_id, loaded.error());
    } else if (!*loaded) {
      finish_loading(*owner, run_id, static_cast<RunEntry*>(nullptr));
    } else {
      build_run(run_id, generation, std::move(**loaded), std::move(addressed));
    }
  });
}

void ShardGroup::build_run(RunId run_id, std::uint64_t generation, store::LoadedRun loaded,
                           std::vector<store::SignalRow> addressed) {
  // Shared: a definition that is not in memory is answered on a store thread.
  auto row = std::make_shared<store::LoadedRun>(std::move(loaded));
  auto signals = std::make_shared<std::vector<store::SignalRow>>(std::move(addressed));
  find_definition(row->row.header, [this, run_id, generation, row, signals](Result<FoundDefinition> found) {
    parts_.executor.post([this, run_id, generation, row, signals, found = std::move(found)] {
      Shard* shard = find_shard(shard_of(run_id));
      if (shard == nullptr || shard->generation != generation) return;
      if (const auto begun = shard->runs.find(run_id); begun != shard->runs.end()) {
        finish_loading(*shard, run_id, begun->second.get());
        return;
      }
      if (!found) {
        finish_loading(*shard, run_id, found.error());
        return;
      }
      auto entry = replayed(row->row.header, row->row.progress, found->definition, row->checkpoint, row->journal);
      if (!entry) {
        parts_.logger.error("run_unreadable", {{"run_id", run_id.str()}, {"reason", entry.error().message}});
        finish_loading(*shard, run_id, entry.error());
        return;
      }
      (*entry)->addressed = std::move(*signals);
      finish_loading(*shard, run_id, insert(*shard, std::move(*entry)));
    });
  });
}

void ShardGroup::finish_loading(Shard& shard, RunId run_id, Result<RunEntry*> entry) {
  const auto found = shard.loading.find(run_id);
  if (found == shard.loading.end()) return;
  auto callbacks = std::move(found->second);
  shard.loading.erase(found);
  for (auto& callback : callbacks) {
    // An earlier callback may have begun a step's own commit: the later ones wait for it like everybody.
    if (entry && *entry != nullptr && (*entry)->committing) {
      with_run(run_id, std::move(callback));
    } else {
      callback(entry);
    }
  }
  // Perhaps loaded for a question only.
  if (entry && *entry != nullptr) {
    const auto held = shard.runs.find(run_id);
    if (held == shard.runs.end()) return;
    const RunEntry& now = *held->second;
    if (now.uncommitted > 0 || now.committing) return;
    if (now.may_rest()) keep_resting(run_id);
    if (shard.parked.contains(run_id)) forget(shard, run_id);
  }
}

RunEntry* ShardGroup::insert(Shard& shard, std::unique_ptr<RunEntry> entry) {
  RunEntry* raw = entry.get();
  const auto& header = raw->run.header();
  if (header.key) shard.open_keys[{header.namespace_name, header.workflow, *header.key}] = header.id;
  enter_line(shard, *raw);
  shard.runs[header.id] = std::move(entry);
  return raw;
}

void ShardGroup::forget(Shard& shard, RunId run_id) {
  const auto found = shard.runs.find(run_id);
  if (found == shard.runs.end()) return;
  const auto& header = found->second->run.header();
  if (header.key) {
    const auto key = shard.open_keys.find({header.namespace_name, header.workflow, *header.key});
    if (key != shard.open_keys.end() && key->second == run_id) shard.open_keys.erase(key);
  }
  leave_line(shard, *found->second);
  keep_signal_ids(shard, *found->second);
  shard.runs.erase(found);
  ++shard.forgotten;
}

void ShardGroup::keep_signal_ids(Shard& shard, RunEntry& entry) {
  if (entry.signal_ids.empty() || !loader_.is_busy()) return;
  const RunId run_id = entry.run.header().id;
  shard.recent_signal_ids[run_id].merge(entry.signal_ids);
  forget_recent_ids(run_id);
}

/// A run that came along with something else that was read. Only when no run has left memory since the reading began:
/// this one might have been among them, and what was read older than what it wrote.
void ShardGroup::take_read_run(Shard& shard, store::LoadedRun loaded, std::uint64_t forgotten_before) {
  const RunId run_id = loaded.row.header.id;
  if (shard.forgotten != forgotten_before || shard.runs.contains(run_id)) return;
  if (!shard.loading.try_emplace(run_id).second) return;
  build_run(run_id, shard.generation, std::move(loaded), {});
}

Status ShardGroup::decide(RunEntry& entry, const core::Event& event, Pending& out) {
  auto decision = parts_.planner.decide(entry.run, event, inputs());
  if (!decision) return decision.error();
  record(entry, std::move(*decision), out);
  return {};
}

void ShardGroup::record(RunEntry& entry, core::Decision decision, Pending& out) {
  if (decision.events.empty() && decision.commands.empty()) return;
  const auto& header = entry.run.header();
  const ShardId shard = shard_of(header.id);
  touch(shard, out);
  if (entry.is_job()) {
    note_job(entry, decision.events);
  } else if (!decision.events.empty()) {
    const Timestamp at = decision.events.front().at;
    out.batch.journal.push_back({shard, header.id, decision.events.front().id, at, encode_events(decision.events)});
    ++entry.rows_since_checkpoint;
  }
  for (const auto& event : decision.events) {
    if (event.type == EventType::TaskFailed && event.error == "Orchestrator.WorkerLost")
      parts_.metrics.poisoned_lost.add();
  }
  ++entry.uncommitted;
  out.touched.push_back(header.id);
  carry_out(entry, std::move(decision.commands), out);
  settle_remote_steps(entry, out);
  unpark(entry, out);
  if (is_closed(entry.run.state())) {
    write_closed(entry, out);
  } else {
    write_progress(entry, out);
    if (const auto timer = entry.run.next_timer()) set_timer(header.id, *timer);
  }
  if (&out == &pending_) flush_soon();
}

/// The open row changes when the run comes to rest or leaves it; a run that moves fast costs nothing in between.
void ShardGroup::write_progress(RunEntry& entry, Pending& out) {
  const auto& header = entry.run.header();
  const ShardId shard = shard_of(header.id);
  const bool at_rest = entry.may_rest();
  const auto opened = out.opened_at.find(header.id);
  const bool row_is_pending = opened != out.opened_at.end();

  if (entry.rows_since_checkpoint >=
      std::max<int>(kRowsPerCheckpoint, static_cast<int>(entry.checkpoint_bytes / kCheckpointBytesPerRow))) {
    std::string state = dump_json(entry.run.checkpoint());
    entry.checkpoint_bytes = state.size();
    entry.rows_since_checkpoint = 0;
    std::erase_if(out.batch.checkpoints, [&](const auto& row) { return row.run_id == header.id; });
    out.batch.checkpoints.push_back({shard, header.id, entry.run.next_event_id(), std::move(state)});
  }

  // What a job went through stands nowhere but in its row.
  const bool is_held = entry.run.is_paused() || entry.row.state == RunState::paused;
  const bool row_must_tell = entry.job_notes != nullptr || is_held;
  if (!row_is_pending && at_rest == entry.row.at_rest && !at_rest && !row_must_tell) {
    if (entry.row.state != entry.run.state() && !entry.stale_since) entry.stale_since = clock_.now();
    return;
  }
  store::RunProgress progress = progress_of(entry, at_rest);
  entry.row = progress;
  entry.stale_since.reset();
  if (row_is_pending) {
    out.batch.opened[opened->second].progress = std::move(progress);
    return;
  }
  const auto [updated, is_new] = out.updated_at.try_emplace(header.id, out.batch.updated.size());
  if (is_new) {
    out.batch.updated.push_back({shard, header.id, std::move(progress)});
  } else {
    out.batch.updated[updated->second].progress = std::move(progress);
  }
}

store::RunProgress ShardGroup::progress_of(const RunEntry& entry, bool at_rest) {
  store::RunProgress progress;
  progress.state = entry.run.state();
  progress.wake_at = entry.run.next_timer();
  progress.waiting_on = waiting_on_text(entry);
  progress.at_rest = at_rest;
  progress.attempts = entry.run.attempts();
  progress.job_state = job_state_of(entry);
  // Without a record a job is rebuilt from when its first state was entered, and readers know that nothing began.
  progress.started_at = progress.job_state ? entry.run.first_work_at() : entry.run.started_at();
  return progress;
}

void ShardGroup::write_closed(RunEntry& entry, Pending& out) {
  const auto& run = entry.run;
  const auto& header = run.header();
  const ShardId shard = shard_of(header.id);
  store::ClosedRunRow row;
  row.shard = shard;
  row.header = header;
  row.state = run.state();
  row.output = run.output();
  if (run.error()) row.error = storable_text(*run.error());
  if (run.cause()) row.cause = storable_text(*run.cause());
  row.attempts = run.attempts();
  row.started_at = run.first_work_at();
  row.closed_at = run.closed_at().value_or(clock_.now());
  row.successor_run_id = entry.successor;
  row.job_state = job_state_of(entry);
  row.dead_letter = row.state == RunState::failed ? store::DeadLetter::open : store::DeadLetter::none;

  if (const auto opened = out.opened_at.find(header.id); opened != out.opened_at.end()) {
    // Begun and ended in one batch: the open row is never written.
    const std::size_t hole = opened->second;
    out.opened_at.erase(opened);
    if (hole + 1 < out.batch.opened.size()) {
      out.batch.opened[hole] = std::move(out.batch.opened.back());
      out.opened_at[out.batch.opened[hole].header.id] = hole;
    }
    out.batch.opened.pop_back();
  }
  out.batch.closed.push_back(std::move(row));

  if (header.parent_run_id && header.parent_step != 0) {
    ChildEndedMessage message;
    message.parent = *header.parent_run_id;
    message.step = header.parent_step;
    message.child = header.id;
    message.state = run.state();
    message.output = run.output();
    message.error = run.error();
    message.cause = run.cause();
    send(shard, shard_of(message.parent), message, out);
  }
}

void ShardGroup::carry_out(RunEntry& entry, std::vector<core::Command> commands, Pending& out) {
  const RunId run_id = entry.run.header().id;
  const ShardId shard = shard_of(run_id);
  for (auto& command : commands) {
    if (auto* schedule = std::get_if<core::ScheduleTask>(&command)) {
      out.ready.push_back({run_id, std::move(*schedule)});
    } else if (const auto* cancel = std::get_if<core::CancelTask>(&command)) {
      out.after.push_back({shard, [this, shard, key = HoldKey{run_id, cancel->task}](const Status& status) {
                             Shard* owner = find_shard(shard);
                             if (!status || owner == nullptr) return;
                             const auto hold = owner->holds.find(key);
                             if (hold == owner->holds.end()) return;
                             hold->second->cancel_requested = true;
                             parts_.workers.drop(*hold->second);
                             release_hold(key);
                           }});
    } else if (const auto* await = std::get_if<core::AwaitSignal>(&command)) {
      await_signal(entry, *await, out);
    } else if (const auto* end = std::get_if<core::EndSignalWait>(&command)) {
      end_signal_wait(entry, *end, out);
    } else if (const auto* child = std::get_if<core::StartChild>(&command)) {
      start_child(entry, *child, out);
    } else if (const auto* stop = std::get_if<core::CancelChild>(&command)) {
      const RunId child = stop->child.is_nil()
                              ? child_id(entry.run.header(), stop->key, stop->derivation, stop->asked_at)
                              : stop->child;
      send(shard, shard_of(child), CancelMessage{.run_id = child, .mode = stop->mode, .reason = stop->reason}, out);
    }
  }
}

/// The same for a repeated command, and known before the child has answered.
RunId ShardGroup::child_id(const RunHeader& parent, const std::optional<std::string>& key,
                           const std::string& derivation, Timestamp asked_at) const {
  const ShardId shard =
      digest::shard_for_key(parent.namespace_name, key ? *key : derivation, parts_.store.shard_count());
  return RunId{digest::derived_uuid(derivation, asked_at, shard)};
}

void ShardGroup::start_child(RunEntry& entry, const core::StartChild& command, Pending& out) {
  const auto& parent = entry.run.header();
  StartMessage message;
  message.reply_to = shard_of(parent.id);
  auto& request = message.request;
  request.namespace_name = parent.namespace_name;
  request.workflow = command.workflow;
  request.input = command.input;
  request.key = command.key;
  request.on_conflict = parse_conflict(command.on_conflict);
  // A child that ended while its parent's node was down must not begin a second time under its key.
  request.on_closed =
      request.on_conflict == KeyConflict::return_existing ? ClosedKey::return_existing : ClosedKey::allow;
  request.priority = parent.priority;
  request.traceparent = parent.traceparent;
  request.id = child_id(parent, command.key, command.derivation, command.asked_at);
  if (command.replace) {
    // Continue as new: the successor's start is durable in the batch that closes this run.
    request.predecessor = parent.id;
    entry.successor = request.id;
  } else {
    request.parent = parent.id;
    // A detached child tells its start, but neither its end nor is it cancelled with its parent.
    request.parent_step = command.wait ? command.step : 0;
    message.step = command.step;
  }
  send(shard_of(parent.id), shard_of(request.id), message, out);
}

void ShardGroup::send(ShardId from, ShardId to, const Message& message, Pending& out) {
  touch(from, out);
  store::Batch::Outgoing outgoing;
  outgoing.from = from;
  outgoing.message = {to, MessageId{make_uuid7(clock_.now(), to, random())}, message_kind(message),
                      encode_message(message), clock_.now()};
  out.messages.push_back(outgoing);
  out.batch.outgoing.push_back(std::move(outgoing));
  if (&out == &pending_) flush_soon();
}

store::RunView ShardGroup::view_of(RunEntry& entry) {
  mark_in_hand(entry);
  const auto& run = entry.run;
  store::RunView view;
  view.header = run.header();
  view.state = run.state();
  view.waiting_on = is_closed(view.state) ? "[]" : shown_reason(entry);
  view.output = run.output();
  view.error = run.error();
  view.cause = run.cause();
  view.attempts = run.attempts();
  view.started_at = run.first_work_at();
  view.closed_at = run.closed_at();
  view.wake_at = run.next_timer();
  view.successor_run_id = entry.successor;
  view.job_state = job_state_of(entry);
  view.dead_letter = view.state == RunState::failed ? store::DeadLetter::open : store::DeadLetter::none;
  return view;
}

}  // namespace orchestrator::runtime
