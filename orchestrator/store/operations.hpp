#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/audit_entry.hpp"

namespace orchestrator::store {

/// UUIDv7 of a bulk operation.
using OperationId = Uuid<struct OperationTag>;
/// Who works on an operation: made anew by each process.
using OperationHolder = Uuid<struct OperationHolderTag>;

enum class OperationAction : std::uint8_t { cancel, retry, pause, resume, discard };
std::string_view to_string(OperationAction action);
std::optional<OperationAction> parse_operation_action(std::string_view text);

/// `done`: every run was dealt with, whether or not it could be.
enum class OperationState : std::uint8_t { running, done, stopped };
std::string_view to_string(OperationState state);
std::optional<OperationState> parse_operation_state(std::string_view text);

/// Runs of one operation: who wants more narrows the filter and asks again. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxOperationRuns = 100'000;
/// Operations of a namespace that run at once.
inline constexpr std::int64_t kMaxRunningOperations = 100;
/// How long one that has ended is shown.
inline constexpr std::chrono::days kOperationLife{90};
/// Items that failed whose reason is kept.
inline constexpr std::size_t kMaxOperationFailures = 20;

struct OperationView;

/// What an operator asked for, and the runs that it is about.
struct NewOperation {
  OperationId operation_id;
  std::string namespace_name;
  OperationAction action = OperationAction::cancel;
  std::string arguments = "{}";  ///< JSON object text
  std::string filter = "{}";     ///< JSON object text, as asked for
  std::string reason;
  std::string actor;
  std::int32_t rate_per_second = 1;
  std::vector<RunId> runs;
  std::optional<AuditEntry> audit;
};

/// One operation as reads see it.
struct OperationView {
  OperationId operation_id;
  std::string namespace_name;
  OperationAction action = OperationAction::cancel;
  std::string arguments = "{}";
  std::string filter = "{}";
  std::string reason;
  std::string actor;
  std::int32_t rate_per_second = 1;
  OperationState state = OperationState::running;
  std::int32_t matched = 0;
  std::int32_t done = 0;
  std::int32_t failed = 0;
  std::string failures = "[]";  ///< JSON text: [{run_id, code, message}] of the first that failed
  Timestamp created_at{};
  std::optional<Timestamp> ended_at;
  std::string ended_by;  ///< who stopped it; empty: nobody did
};

/// An operation in the hands of one holder.
struct LeasedOperation {
  OperationView view;
  std::int32_t next_item = 0;
  std::vector<RunId> runs;  ///< from next_item on
};

/// How far the holder has come. Counts are totals.
struct OperationProgress {
  OperationId operation_id;
  OperationHolder holder;
  std::int32_t next_item = 0;
  std::int32_t done = 0;
  std::int32_t failed = 0;
  std::string failures = "[]";
};

/// The entry with its digests: of what was there before, if anything, and is afterwards.
std::optional<AuditEntry> operation_audit(std::optional<AuditEntry> entry, const std::optional<OperationView>& before,
                                          const OperationView& after);

struct OperationFilter {
  std::string namespace_name;
  std::optional<OperationState> state;
  std::int32_t limit = 50;
  std::string cursor;  ///< opaque, from the page before
};
struct OperationPage {
  std::vector<OperationView> items;  ///< newest first
  std::optional<std::string> next_cursor;
};

/// The part of the store that bulk operations live in. Thread-safe, as Store; errors as there.
class OperationStore {
 public:
  template <typename T>
  using Done = std::function<void(Result<T>)>;

  virtual ~OperationStore() = default;

  /// The same id again answers what is there. resource_exhausted when the namespace has kMaxRunningOperations. Forgets
  /// what ended kOperationLife ago.
  virtual void create(NewOperation operation, Done<OperationView> done) = 0;
  virtual void find(std::string namespace_name, OperationId operation_id, Done<OperationView> done) = 0;
  virtual void list(OperationFilter filter, Done<OperationPage> done) = 0;
  /// Nothing of it begins any more once its holder has noticed. Stopping a stopped one changes nothing;
  /// precondition_failed
  /// ("wrong-state") when it is done; not_found.
  virtual void stop(std::string namespace_name, OperationId operation_id, std::string actor,
                    std::optional<AuditEntry> audit, Done<OperationView> done) = 0;

  /// The oldest running operation that nobody holds, or whose holder's lease is over; nothing when there is none.
  virtual void take(OperationHolder holder, std::chrono::milliseconds lease,
                    Done<std::optional<LeasedOperation>> done) = 0;
  /// Writes progress and renews the lease; the last item ends the operation. False when there is nothing more to do:
  /// the holder no longer has it, and nothing was written; or it was stopped, and what was in hand is counted.
  virtual void advance(OperationProgress progress, std::chrono::milliseconds lease, Done<bool> done) = 0;
  /// Others may take it at once.
  virtual void let_go(OperationHolder holder, OperationId operation_id, Done<void> done) = 0;
};

}  // namespace orchestrator::store
