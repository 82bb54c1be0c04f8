#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "orchestrator/core/planner.hpp"
#include "orchestrator/handler/handler.hpp"
#include "orchestrator/runtime/database_clock.hpp"
#include "orchestrator/runtime/definitions.hpp"
#include "orchestrator/runtime/engine_metrics.hpp"
#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/runtime/flush_turns.hpp"
#include "orchestrator/runtime/group_state.hpp"
#include "orchestrator/runtime/job_definitions.hpp"
#include "orchestrator/runtime/loader.hpp"
#include "orchestrator/runtime/messages.hpp"
#include "orchestrator/runtime/requests.hpp"
#include "orchestrator/runtime/run_turns.hpp"
#include "orchestrator/runtime/schedule_requests.hpp"
#include "orchestrator/runtime/suspect_lines.hpp"
#include "orchestrator/runtime/task_report.hpp"
#include "orchestrator/runtime/worker_pool.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// What a group asks of its node. Thread-safe.
class Headquarters {
 public:
  virtual ~Headquarters() = default;
  /// Hands messages whose rows are committed to whoever owns their shards, if that is this node.
  virtual void deliver(std::vector<store::InboxRow> messages) = 0;
  /// A batch's outcome is unknown: take its shards over again, then call back with the new leases (missing: lost) and
  /// whether the batch had committed.
  virtual void settle(std::shared_ptr<const store::Batch> batch,
                      std::function<void(std::vector<store::ShardLease>, bool committed)> settled) = 0;
  /// Takes shards of this node over once more, then calls back with the new leases; missing ones are lost. Repeats
  /// while the database is away.
  virtual void take_again(std::vector<ShardId> shards, std::function<void(std::vector<store::ShardLease>)> taken) = 0;
  /// These shards belong to somebody else now.
  virtual void lost(std::vector<ShardId> shards) = 0;
  /// Whether the node's lease is confirmed: without it nothing is handed out and nothing is answered.
  [[nodiscard]] virtual bool is_confirmed() const = 0;
  /// Whether the cluster has a living node with role scheduler: without one no schedule fires.
  [[nodiscard]] virtual bool has_scheduler() const = 0;
  /// Whether the shard is this node's, and not on its way to another.
  [[nodiscard]] virtual bool owns(ShardId shard) const = 0;
};

inline constexpr std::size_t kRunStateCount = 8;

/// What a sweep counted among the runs in memory.
struct GroupGauges {
  std::array<std::int64_t, kRunStateCount> runs_by_state{};
  std::int64_t runs_stuck = 0;   ///< open, at rest, and waiting for nothing
  std::int64_t jobs_parked = 0;  ///< ready, and not in memory; in runs_by_state as well
};

/// The owner of a group of shards: one strand, one committer lane, no locks. Every change to a run goes the same way:
/// decide on the state in memory, append to the pending batch, and act only after the batch committed.
/// Public methods are thread-safe unless they say otherwise: they post to the strand.
class ShardGroup {
 public:
  struct Parts {
    store::Store& store;
    Executor& executor;
    const Clock& clock;
    const core::Planner& planner;
    const HandlerRegistry& handlers;
    Definitions& definitions;
    WorkerPool& workers;
    Headquarters& headquarters;
    telemetry::Logger& logger;
    EngineMetrics& metrics;
    FlushTurns& turns;
    std::uint64_t seed = 0;
    std::int32_t lane = 0;
    int max_suspects_in_hand = 8;
    std::size_t max_resting = kMaxResting;
    std::size_t max_ready_per_lane = kMaxReadyPerLane;
    std::string worker_name;
  };

  explicit ShardGroup(Parts parts);
  ~ShardGroup();

  // ---- ownership (called by the node) ----
  void adopt(store::ShardLease lease, bool unclean);
  void drop(ShardId shard);
  /// Lets a shard go to another node: hands out nothing more of it, waits for what is in hand and in flight, then
  /// forgets it and answers its lease. Nothing when it does not come to rest within `patience`: then it stays.
  void release(ShardId shard, Duration patience, std::function<void(std::optional<store::ShardLease>)> done);
  void learn_time(Timestamp database_now);
  /// Brings timers that fall due soon into memory, where it is time to look again; call it every second.
  void load_due_timers();
  /// Ends buffered signals whose time ran out; `?wait=` of their senders is answered soon after.
  void expire_signals();
  void sweep();
  /// Flushes, then drops everything and answers with the leases held, for a graceful hand-over: without those of shards
  /// with work in hand, whose outcome the next owner does not know, and of those that were taken over unclean and whose
  /// suspects have not been counted yet.
  void leave(std::function<void(std::vector<store::ShardLease>)> done);

  // ---- requests ----
  void start_run(StartRequest request, Reply<StartAnswer> reply);
  /// Many at once, with one hop to the strand and one batch.
  void start_runs(std::vector<std::pair<StartRequest, Reply<StartAnswer>>> starts);
  void send_signal(SignalRequest request, Reply<SignalAnswer> reply);
  /// Makes a new signal in the place of an old one. Errors: not_found; wrong-state when the old one was consumed, is
  /// being offered to a run, or was sent on before.
  void redirect_signal(RedirectRequest request, Reply<SignalAnswer> reply);
  void cancel_run(CancelRequest request, Reply<CancelAnswer> reply);
  void retry_run(RetryRequest request, Reply<StartAnswer> reply);
  /// Errors: not_found, run-closed, wrong-state, invalid_argument (core/planner.hpp).
  void steer_run(SteerRequest request, Reply<SteerAnswer> reply);
  void open_gate(GateRequest request, Reply<GateAnswer> reply);
  void close_gate(GateClose request, Reply<void> reply);
  /// The run as its owner sees it; nothing when it is not in memory (read it from the store then).
  void read_run(RunId run_id, Reply<std::optional<store::RunView>> reply);
  /// Calls back when the run closes, with its final view; at once with nothing when it is not open.
  void watch_run(RunId run_id, std::uint64_t watcher, Reply<std::optional<store::RunView>> reply);
  void unwatch_run(RunId run_id, std::uint64_t watcher);
  /// @param from_table read from the inbox; else handed over by the sender, on this node, after its commit
  void receive(std::vector<store::InboxRow> messages, bool from_table);
  /// Gives tasks that were just claimed from the pool to a remote worker, each under a lease. Answers those that could
  /// be: the others are over by now, or go back to the pool.
  void begin_claimed(std::vector<std::shared_ptr<Task>> tasks, ClaimTerms terms, Reply<std::vector<ClaimedTask>> reply);
  /// What a remote worker says about a task that it holds; answered after the commit. stale-lease when it holds it no
  /// longer, and nothing is written.
  void report_task(TaskReport report, Reply<TaskAnswer> reply);
  /// Errors: not_found; already_exists for a create; invalid_argument, conflict and resource_exhausted of a backfill.
  void change_schedule(ScheduleRequest request, Reply<ScheduleAnswer> reply);

  /// Its place among the groups of its node; the order of groups wherever one is needed, so that a simulation replays.
  [[nodiscard]] std::int32_t lane() const { return parts_.lane; }
  struct ByLane {
    bool operator()(const ShardGroup* left, const ShardGroup* right) const { return left->lane() < right->lane(); }
  };

  /// For /metrics: as of the last sweep, any thread.
  [[nodiscard]] GroupGauges gauges() const;

 private:
  using RunFound = std::function<void(Result<RunEntry*>)>;
  using MailboxOperation = std::function<void(Mailbox&, std::function<void()> next)>;

  // group_flush.cpp
  void flush_soon();
  void flush();
  void committed(std::shared_ptr<Pending> done, std::shared_ptr<const store::Batch> batch,
                 Result<store::CommitAnswer> answer);
  void complete(Pending& done, const store::Batch& batch, const std::set<ShardId>& failed, const Status& why);
  void settle_run(RunId run_id);
  void settle_mailbox(ShardId shard, const MailboxKey& key);
  void keep_resting(RunId run_id);
  void keep_resting_mailbox(ShardId shard, const MailboxKey& key);
  void fail_shards(const std::set<ShardId>& shards, const Status& why);
  void drop_memory(Shard& shard, const Status& why);
  void strip(Pending& pending, const std::set<ShardId>& shards, const Status& why);
  void fill_leases(Pending& pending);
  void remember_refusal(const store::Batch& batch, const store::DataError& found, const Error& why);
  const Refusal* refusal_of(ShardId shard, const store::Subject& subject);
  std::set<ShardId> current_shards(const Pending& done, const std::set<ShardId>& shards);
  void forget_shard(ShardId shard);
  void give_up_lost(const store::Batch& batch, const std::set<ShardId>& lost, const Status& why);

  // group_runs.cpp
  Shard* find_shard(ShardId shard);
  /// Runs `work` when the shard is active, later if it is recovering; false when it is not ours or too
  /// many wait already.
  bool when_active(ShardId shard, std::function<void()> work);
  void with_run(RunId run_id, RunFound found);
  /// Whether a request from outside is too many for a shard that recovers.
  bool is_crowded(ShardId shard);
  void build_run(RunId run_id, std::uint64_t generation, store::LoadedRun loaded,
                 std::vector<store::SignalRow> addressed);
  void take_read_run(Shard& shard, store::LoadedRun loaded, std::uint64_t forgotten_before);
  void finish_loading(Shard& shard, RunId run_id, Result<RunEntry*> entry);
  RunEntry* insert(Shard& shard, std::unique_ptr<RunEntry> entry);
  void forget(Shard& shard, RunId run_id);
  void keep_signal_ids(Shard& shard, RunEntry& entry);
  core::Inputs inputs();
  Status decide(RunEntry& entry, const core::Event& event, Pending& out);
  void record(RunEntry& entry, core::Decision decision, Pending& out);
  void write_progress(RunEntry& entry, Pending& out);
  store::RunProgress progress_of(const RunEntry& entry, bool at_rest);
  void write_closed(RunEntry& entry, Pending& out);
  void carry_out(RunEntry& entry, std::vector<core::Command> commands, Pending& out);
  [[nodiscard]] RunId child_id(const RunHeader& parent, const std::optional<std::string>& key,
                               const std::string& derivation, Timestamp asked_at) const;
  void start_child(RunEntry& entry, const core::StartChild& command, Pending& out);
  void send(ShardId from, ShardId to, const Message& message, Pending& out);
  void touch(ShardId shard, Pending& out) { out.shards.insert(shard); }
  store::RunView view_of(RunEntry& entry);

  // group_jobs.cpp
  /// Of a job at once; of a workflow as Definitions::find says.
  void find_definition(const RunHeader& header, Definitions::Found found);
  void find_definition(const StartRequest& request, Definitions::Found found);
  /// A job without a unique key that nothing keeps waiting: the way of nearly all of them, without a copy or a look-up.
  /// False, and nothing taken, when it is another one.
  bool start_job_at_once(StartRequest& request, const std::vector<MessageRef>& done, Reply<StartAnswer>& reply);
  Result<std::unique_ptr<RunEntry>> rebuilt_job(RunHeader header, store::RunProgress progress,
                                                language::DefinitionPtr definition);
  static void note_job(RunEntry& entry, const std::vector<HistoryEvent>& events);
  static std::optional<std::string> job_state_of(const RunEntry& entry);
  std::string waiting_on_text(const RunEntry& entry);
  JobSpecPtr with_order_number(const Shard& shard, const std::string& namespace_name, const JobSpecPtr& spec);
  [[nodiscard]] bool is_in_hand(RunEntry& entry);
  [[nodiscard]] static bool is_behind(const Shard& shard, const RunEntry& entry);
  static void enter_line(Shard& shard, const RunEntry& entry);
  void leave_line(Shard& shard, const RunEntry& entry);
  void hand_out_head(RunId run_id, std::uint64_t generation);

  // group_start.cpp
  void start_active(StartRequest request, std::vector<MessageRef> done, Reply<StartAnswer> reply);
  void start_checked(StartRequest request, std::vector<MessageRef> done, Reply<StartAnswer> reply);
  void start_unique(StartRequest request, std::vector<MessageRef> done, Reply<StartAnswer> reply);
  void start_replacing(StartRequest request, const FoundDefinition& found, std::vector<MessageRef> done,
                       Reply<StartAnswer> reply);
  void start_now(StartRequest request, const FoundDefinition& found, std::vector<MessageRef> done,
                 Reply<StartAnswer> reply);
  void answer_existing(RunId run_id, RunState state, const StartRequest& request, std::vector<MessageRef> done,
                       Reply<StartAnswer> reply);
  void answer_start(ShardId shard, StartAnswer answer, bool when_appended, Reply<StartAnswer> reply);
  Reply<StartAnswer> ending_turn(RunId id, Reply<StartAnswer> reply);
  void retry_in_turn(RetryRequest request, Reply<StartAnswer> reply);
  void retry_loaded(const RetryRequest& request, store::LoadedClosedRun loaded, Reply<StartAnswer> reply);
  void revive(const RetryRequest& request, store::LoadedClosedRun loaded, const FoundDefinition& found,
              Reply<StartAnswer> reply);

  // group_steering.cpp
  Status cancel_entry(RunEntry& entry, const core::CancelAsked& asked, std::optional<AuditEntry> audit);
  /// What is refused because of decisions under way, such as the run's end, is refused when they are committed: after a
  /// crash before that it would have been possible.
  template <typename Answer>
  void refuse_once_committed(const RunEntry& entry, Error why, const Reply<Answer>& reply) {
    if (entry.uncommitted == 0) {
      reply(std::move(why));
      return;
    }
    const ShardId shard = shard_of(entry.run.header().id);
    touch(shard, pending_);
    pending_.after.push_back(
        {shard, [why = std::move(why), reply](const Status& status) { reply(status ? why : status.error()); }});
    flush_soon();
  }
  void refuse_steering(const SteerRequest& request, const Reply<SteerAnswer>& reply);
  void steer_found(RunEntry& entry, const SteerRequest& request, const Reply<SteerAnswer>& reply);
  void take_back_ready(const RunEntry& entry);
  void hand_out_owed(RunId run_id);

  // group_audit.cpp
  /// The entry with what the run is now as the thing before the action; nothing where nobody is to be written down.
  static std::optional<AuditEntry> audit_of(std::optional<AuditEntry> asked, const RunEntry& entry);
  /// Of a decision that this signal is about to answer.
  static AuditEntry answer_audit(const RunEntry& entry, const store::SignalRow& signal);
  /// Joins the batch of the action, with what the run is now as the thing after it.
  static void write_audit(std::optional<AuditEntry> audit, const RunEntry& entry, Pending& out);
  static void write_audit(std::optional<AuditEntry> audit, const store::ScheduleRow& after, Pending& out);

  // group_parking.cpp
  /// The lane of a job that may be parked; nothing for everything else, and while the shard has few tasks.
  std::optional<JobLane> lane_of(const Shard& shard, const RunEntry& entry, const core::ScheduleTask& command) const;
  /// Tasks of the shard that are in hand, ready in memory, or suspects.
  static std::size_t held_by(const Shard& shard);
  /// Puts a ready job out of memory.
  void park(Shard& shard, const JobLane& lane, RunId run_id);
  /// Brings parked jobs of a lane back, as many as there is room for.
  void bring_back(ShardId shard, const JobLane& lane);
  void hand_out_parked(RunEntry& entry, std::uint64_t number);
  /// A parked job that something was decided about takes its place anew once that is committed.
  void unpark(RunEntry& entry, Pending& out);
  /// Tells the pool how many are parked.
  void count_parked();

  // group_tasks.cpp
  /// @param number the place of a job that was parked and now has room; 0: it becomes ready, and may be parked
  void hand_out(RunId run_id, core::ScheduleTask command, std::uint64_t number = 0);
  void line_up_suspect(Shard& shard, RunEntry& entry, core::ScheduleTask command, std::uint64_t number);
  void submit(RunEntry& entry, core::ScheduleTask command, std::shared_ptr<LaneCount> lane, std::uint64_t number);
  void note_missing_handler(RunId run_id, const core::ScheduleTask& command);
  void perform_at_once(RunEntry& entry, const core::ScheduleTask& command, const HandlerEntry& handler,
                       TaskContext context);
  void watch_deadline(RunId run_id, const core::ScheduleTask& command, std::shared_ptr<TaskHold> hold);
  void check_deadline(RunId run_id, const core::ScheduleTask& command, const std::shared_ptr<TaskHold>& hold);
  void finish_task(RunId run_id, core::TaskRef task, Outcome outcome);
  void decide_outcome(RunEntry& entry, core::TaskRef task, const std::shared_ptr<TaskHold>& hold);
  void finish_in_transaction(RunId run_id, core::TaskRef task, Outcome outcome,
                             std::shared_ptr<StepTransaction> transaction, std::function<void()> release);
  void transaction_ended(RunId run_id, core::TaskRef task, std::shared_ptr<Pending> out,
                         std::shared_ptr<const store::Batch> batch, Result<store::CommitAnswer> answer);
  std::optional<Timestamp> started_at(const TaskHold& hold);
  void pump_suspects();
  void pump_suspects_later();
  void put_suspect_down(const HoldKey& key);
  void forget_suspects(ShardId shard);
  void release_hold(const HoldKey& key);
  void release_once_committed(const RunEntry& entry, const HoldKey& key);
  void mark_in_hand(RunEntry& entry);
  void record_long_tasks(RunEntry& entry);

  // group_queues.cpp
  bool performed_at_once(RunEntry& entry, const core::ScheduleTask& command, const HandlerEntry& handler,
                         TaskContext& context);
  void count_at_once(const std::string& namespace_name, const std::string& queue);
  void report_at_once();
  static KeysOf keys_of(const RunHeader& header);
  std::optional<std::string> obstacle_text(const RunEntry& entry);
  std::string shown_reason(const RunEntry& entry);
  void explain_late(RunEntry& entry, int& budget);

  // group_leases.cpp
  [[nodiscard]] const std::string& worker_of(const TaskHold& hold) const;
  ClaimedTask begun(RunEntry& entry, const Task& task);
  void report_active(const TaskReport& report, const Reply<TaskAnswer>& reply);
  void report_held(RunEntry& entry, const TaskReport& report, const std::shared_ptr<TaskHold>& hold,
                   const Reply<TaskAnswer>& reply);
  void report_outcome(RunEntry& entry, const TaskReport& report, const std::shared_ptr<TaskHold>& hold,
                      const Reply<TaskAnswer>& reply);
  void renew_lease(RunEntry& entry, const TaskReport& report, TaskHold& hold, const Reply<TaskAnswer>& reply);
  void give_back_unclaimed(const HoldKey& key, TaskHold& hold);
  Status write_lease(RunEntry& entry, const HoldKey& key, TaskHold& hold);
  void write_leases(const Shard& shard);
  void settle_remote_steps(RunEntry& entry, Pending& out);
  void put_task_lease(store::TaskLeaseRow row, Pending& out);
  void answer_reporters(TaskHold& hold, const Result<TaskAnswer>& answer);
  void watch_lease(const HoldKey& key, const TaskLease& lease);
  void arm_leases();
  void end_due_leases();
  void lose_lease(const HoldKey& key, const std::shared_ptr<TaskHold>& hold);
  void adopt_leases(Shard& shard, std::vector<store::TaskLeaseRow> rows);
  void drop_settled_holds(Shard& shard);

  // group_signals.cpp
  void with_mailbox(ShardId shard, const MailboxKey& key, MailboxOperation operation, std::function<void()> abandoned);
  void run_mailbox(ShardId shard, const MailboxKey& key);
  void signal_by_key(SignalRequest request, std::vector<MessageRef> done, Reply<SignalAnswer> reply);
  struct SenderLookup;
  void signal_looked_up(ShardId shard, const SignalRequest& request, const std::vector<MessageRef>& done,
                        const Result<std::optional<store::SignalRow>>& known, const Reply<SignalAnswer>& reply,
                        std::function<void()> next);
  void accept_signal(Mailbox& mailbox, const SignalRequest& request, std::optional<RunId> started,
                     std::vector<MessageRef> done, Reply<SignalAnswer> reply, std::function<void()> next);
  void keep_signal(Mailbox& mailbox, store::SignalRow row, std::optional<RunId> started, std::vector<MessageRef> done,
                   Reply<SignalAnswer> reply, std::function<void()> next);
  void answer_kept(Mailbox& mailbox, const store::SignalRow& row, std::optional<RunId> started,
                   const std::vector<MessageRef>& done, const Reply<SignalAnswer>& reply);
  void touch_mailbox(Mailbox& mailbox, ShardId shard, const MailboxKey& key);
  void forget_sender(ShardId shard, const MailboxKey& key, std::pair<std::string, std::string> sender);
  static core::SignalOffered offer_of(const store::SignalRow& row, EventId step);
  /// Why an open decision does not take this answer; nothing: it does, or no decision is asked.
  static std::optional<Error> answer_refusal(const RunEntry& entry, const store::SignalRow& row, EventId step);
  void mark_refused(store::SignalRow& row, const Error& refusal);
  bool offer_here(RunEntry& entry, store::SignalRow& row, EventId step, Pending& out);
  void offer_elsewhere(store::SignalRow& row, const store::SignalWaitRow& wait, Pending& out);
  void write_signal(const store::SignalRow& row, Pending& out);
  void start_with_signal(StartRequest start, const MailboxKey& key, const SignalRequest& request,
                         std::vector<MessageRef> done, Reply<SignalAnswer> reply, std::function<void()> next);
  void answer_after_commit(ShardId shard, SignalAnswer answer, const Reply<SignalAnswer>& reply);
  store::SignalRow row_of(const SignalRequest& request, ShardId shard);

  // group_run_signals.cpp
  void signal_by_run(SignalRequest request, std::vector<MessageRef> done, Reply<SignalAnswer> reply);
  void with_addressed(RunId run_id, RunFound found);
  std::optional<SignalId> recent_id(const SignalRequest& request);
  void forget_recent_ids(RunId run_id);
  void look_up_sender(const SignalRequest& request, const std::vector<MessageRef>& done,
                      const Reply<SignalAnswer>& reply, std::function<void()> fresh);
  void answer_duplicate(const SignalRequest& request, SignalId first, const std::vector<MessageRef>& done,
                        const Reply<SignalAnswer>& reply);
  void reject_signal(const SignalRequest& request, std::vector<MessageRef> done, Reply<SignalAnswer> reply);
  void reject_once(const SignalRequest& request, const std::vector<MessageRef>& done, const Reply<SignalAnswer>& reply);

  // group_broadcast.cpp
  void broadcast_signal(Mailbox& mailbox, store::SignalRow row, const std::vector<MessageRef>& done,
                        const Reply<SignalAnswer>& reply);

  // group_redirect.cpp
  void redirect_active(const RedirectRequest& request, const Reply<SignalAnswer>& reply);
  void redirect_of_key(const RedirectRequest& request, const store::SignalRow& seen, const Reply<SignalAnswer>& reply);
  void redirect_of_run(const RedirectRequest& request, const store::SignalRow& seen, const Reply<SignalAnswer>& reply);
  void redirect_settled(const RedirectRequest& request, const Reply<SignalAnswer>& reply);
  void redirect_from(store::SignalRow origin, const RedirectRequest& request, const Reply<SignalAnswer>& reply);

  // group_waits.cpp
  void await_signal(RunEntry& entry, const core::AwaitSignal& command, Pending& out);
  void end_signal_wait(RunEntry& entry, const core::EndSignalWait& command, Pending& out);
  void match_wait(RunId run_id, std::uint64_t generation, const core::AwaitSignal& command);
  void match_later(RunId run_id, std::uint64_t generation, const core::AwaitSignal& command);

  // group_inbox.cpp
  void handle(store::InboxRow row);
  void take_up(IncomingMessage row);
  void handle_later(IncomingMessage row);
  void on_message(const StartMessage& message, const IncomingMessage& row);
  void on_message(const StartJobsMessage& message, const IncomingMessage& row);  // group_promised.cpp
  void on_message(const ChildStartedMessage& message, const IncomingMessage& row);
  void on_message(const ChildEndedMessage& message, const IncomingMessage& row);
  void on_message(const CancelMessage& message, const IncomingMessage& row);
  void feed_cancel(const CancelMessage& message, const IncomingMessage& row);
  void on_message(const SignalMessage& message, const IncomingMessage& row);
  void on_message(const WaitOpenedMessage& message, const IncomingMessage& row);
  void on_message(const WaitEndedMessage& message, const IncomingMessage& row);
  void on_message(const SignalOfferMessage& message, const IncomingMessage& row);
  void on_message(const SignalAnswerMessage& message, const IncomingMessage& row);
  /// Feeds an event to a run and deletes the message in the same batch, also when the run no longer wants it.
  /// @param audit what the audit keeps of it when it has an effect
  void feed(RunId run_id, core::Event event, IncomingMessage row);
  void tell_end_again(const StartAnswer& existing, const StartMessage& message, const IncomingMessage& row);
  void on_start_answer(const StartMessage& message, const IncomingMessage& row, Result<StartAnswer> answer);
  void keep_promise(const StartMessage& message, const Result<StartAnswer>& answer);  // group_promised.cpp
  void open_wait(Mailbox& mailbox, const store::SignalWaitRow& wait);
  void offer_next(Mailbox& mailbox, const SignalAnswerMessage& refused);
  /// Whether the memory that took this message up is gone.
  bool is_stale(ShardId shard, std::uint64_t generation);
  bool is_stale(const std::vector<MessageRef>& messages);
  void finish_message(const IncomingMessage& row, Pending& out);
  void finish_message(const std::vector<MessageRef>& done, Pending& out);
  /// After an error: a passing one keeps the messages for another try, any other is their effect.
  void finish_refused(const std::vector<MessageRef>& done, const Error& error);

  // group_timers.cpp
  void set_timer(RunId run_id, Timestamp at);
  void arm();
  void take_due_timers(const std::vector<store::DueRun>& due);
  void fire_due();
  void write_late(RunEntry& entry);

  // group_expiry.cpp
  void expire_signals_now();
  void expire_of_key(const store::SignalRow& row);
  void expire_of_run(const store::SignalRow& row);
  void expire_of_closed_run(SignalId signal_id);
  void end_signal(store::SignalRow row, store::SignalFate fate);

  // group_schedules.cpp
  void adopt_schedules(Shard& shard, std::vector<store::LoadedSchedule> loaded);
  Result<std::unique_ptr<ScheduleEntry>> schedule_entry(store::ScheduleRow row);
  static ScheduleEntry& keep_schedule(Shard& shard, std::unique_ptr<ScheduleEntry> entry);
  ScheduleEntry* find_schedule(ShardId shard, const ScheduleKey& key, store::ScheduleId schedule_id);
  void plan_next(Shard& shard, ScheduleEntry& entry);
  void place_schedule(Shard& shard, ScheduleEntry& entry);
  void arm_schedules();
  void fire_schedules();
  void advance_schedule(Shard& shard, ScheduleEntry& entry);
  void decide_slot(Shard& shard, ScheduleEntry& entry, store::ScheduleSlotRow slot);
  void decide_missed(ScheduleEntry& entry, Timestamp now);
  void skip_holidays(ScheduleEntry& entry, Timestamp until);
  void make_way(ScheduleEntry& entry);
  void cancel_open_runs(const ScheduleEntry& entry);
  void start_slot(Shard& shard, ScheduleEntry& entry, store::ScheduleSlotRow slot);
  StartRequest scheduled_start(const ScheduleEntry& entry, const store::ScheduleSlotRow& slot);
  void slot_started(Shard& shard, ScheduleEntry* entry, store::ScheduleSlotRow slot, const Result<StartAnswer>& answer);
  static void track_run(Shard& shard, ScheduleEntry& entry, RunId run_id);
  void scheduled_run_closed(Shard& shard, RunId run_id);
  void write_slot(store::ScheduleSlotRow slot);
  void write_range(const ScheduleEntry& entry, Timestamp first, Timestamp last, store::SlotOutcome outcome,
                   std::string reason);
  void save_schedule(ScheduleEntry& entry);

  // group_schedule_requests.cpp
  void perform_schedule_request(const ScheduleRequest& asked, Reply<ScheduleAnswer> reply);
  void create_schedule(Shard& shard, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  void replace_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request,
                        Reply<ScheduleAnswer> reply);
  void take_calendar(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  void remove_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  void pause_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  void resume_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  void trigger_schedule(ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  void backfill_schedule(ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply);
  struct Backfill;
  void backfill_looked_up(const Backfill& backfill, Result<std::vector<store::ScheduleSlotRow>> known);
  void settle_pause(ScheduleEntry& entry);
  void answer_schedule(ScheduleAnswer answer, Reply<ScheduleAnswer> reply);

  // group_reads.cpp
  void gate_active(ShardId id, const GateRequest& request, Reply<GateAnswer> reply);
  void reserve(ShardId shard, const store::IdempotencyRow& row, RunId reserved, const Reply<GateAnswer>& reply);
  void put_idempotency(store::IdempotencyRow row);

  // group_recovery.cpp
  using Released = std::function<void(std::optional<store::ShardLease>)>;
  void release_when_quiet(ShardId shard, std::uint64_t generation, Duration until, Released done);
  [[nodiscard]] bool is_quiet(const Shard& shard) const;
  /// Whether something of it may have been in hand when its last owner died, and nobody has looked yet.
  [[nodiscard]] bool is_suspect(const Shard& shard) const;
  /// Begun here and not durably over; what a remote worker has under a written lease goes on under the next owner.
  [[nodiscard]] static bool has_work_in_hand(const Shard& shard);
  void recover(ShardId shard, std::uint64_t generation);
  void recovered(ShardId shard, std::uint64_t generation, Result<store::Recovery> recovery);
  void rebuild(ShardId shard, std::uint64_t generation, std::shared_ptr<store::Recovery> recovery, std::size_t index);
  static bool is_built_last(const store::LoadedRun& loaded);
  void build_job(Shard& shard, store::OpenRunRow row);
  void resume(RunEntry& entry, bool unclean);
  void clear_after_commit(const HoldKey& key);
  void set_aside(RunEntry& entry, const Refusal& refusal);
  void set_refused_aside(Shard& shard);
  void activate(Shard& shard, store::Recovery recovery);
  Result<std::unique_ptr<RunEntry>> replayed(RunHeader header, store::RunProgress progress,
                                             language::DefinitionPtr definition,
                                             const std::optional<store::CheckpointRow>& checkpoint,
                                             const std::vector<store::JournalRow>& journal);

  std::uint64_t random();

  Parts parts_;  // Fixed after construction.
  // Everything below: only on parts_.executor, but for gauges_.
  DatabaseClock clock_;
  Loader loader_;
  JobDefinitions job_definitions_;
  std::map<ShardId, std::unique_ptr<Shard>> shards_;
  Pending pending_;
  std::deque<RunId> resting_runs_;  ///< oldest first; one that was woken up since, or is gone, does no harm
  std::deque<std::pair<ShardId, MailboxKey>> resting_mailboxes_;
  RunTurns retries_;                 ///< each from its look at the closed run until it is written or refused
  std::multiset<ShardId> settling_;  ///< once for each commit in doubt: taken again by this node right now
  bool flushing_ = false;
  bool flush_posted_ = false;
  bool leaving_ = false;
  std::function<void(std::vector<store::ShardLease>)> left_;
  SuspectLines suspects_;
  std::uint64_t random_state_;
  std::uint64_t next_generation_ = 1;
  std::unordered_map<RunId, std::map<std::uint64_t, Reply<std::optional<store::RunView>>>> watchers_;
  bool pump_posted_ = false;
  std::set<std::pair<Duration, HoldKey>> lease_ends_;  ///< steady clock; entries of ended leases do no harm
  std::optional<Duration> leases_armed_for_;
  std::uint64_t leases_arm_number_ = 0;
  std::string token_secret_;
  std::set<std::string> missing_handlers_;  ///< logged, each once
  std::vector<SuspectTask> held_back_;      ///< ready while the lease is not confirmed
  QueueName at_once_queue_;                 ///< of the tasks that at_once_count_ counts
  std::int64_t at_once_count_ = 0;

  using DueAt = std::pair<Timestamp, RunId>;
  std::priority_queue<DueAt, std::vector<DueAt>, std::greater<>> timers_;
  std::optional<Timestamp> armed_for_;
  std::uint64_t arm_number_ = 0;
  // The next look for timers in the table: how far ahead it asks, and when it is, on the steady clock.
  Duration due_span_ = std::chrono::seconds{60};
  Duration due_look_at_{0};
  bool due_looking_ = false;
  std::optional<Timestamp> schedules_armed_for_;
  std::uint64_t schedules_arm_number_ = 0;

  mutable telemetry::Mutex gauges_mutex_;
  GroupGauges gauges_ ORC_GUARDED_BY(gauges_mutex_);
};

}  // namespace orchestrator::runtime
