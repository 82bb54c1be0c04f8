// An operator's change to an open run.
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {

void ShardGroup::edit_run(EditRequest request, Reply<EditAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
    if (is_crowded(shard_of(request.run_id))) {
      reply(crowded());
      return;
    }
    with_run(request.run_id, [this, request, reply](Result<RunEntry*> found) {
      if (!found) {
        reply(found.error());
      } else if (*found == nullptr) {
        refuse_edit(request, reply);
      } else {
        edit_found(**found, request, reply);
      }
    });
  });
}

/// It is closed, somebody else's, or never was.
void ShardGroup::refuse_edit(const EditRequest& request, const Reply<EditAnswer>& reply) {
  parts_.store.find_run(request.run_id, [this, request, reply](const Result<store::RunView>& view) {
    parts_.executor.post([request, reply, view] {
      if (!view) {
        reply(view.error());
      } else if (view->header.namespace_name != request.namespace_name) {
        reply(fail(ErrorCode::not_found, "no such run"));
      } else {
        reply(fail(ErrorCode::precondition_failed, "run-closed", "the run is already closed"));
      }
    });
  });
}

void ShardGroup::edit_found(RunEntry& entry, const EditRequest& request, const Reply<EditAnswer>& reply) {
  if (entry.run.header().namespace_name != request.namespace_name) {
    reply(fail(ErrorCode::not_found, "no such run"));
    return;
  }
  mark_in_hand(entry);
  auto audit = audit_of(request.audit, entry);
  if (const Status decided = decide(entry, request.asked, pending_); !decided) {
    reply(decided.error());
    return;
  }
  write_audit(std::move(audit), entry, pending_);
  const ShardId shard = shard_of(request.run_id);
  touch(shard, pending_);
  const RunHeader& header = entry.run.header();
  pending_.batch.edited.push_back({shard, request.run_id, header.run_at, header.priority});
  pending_.after.push_back({shard, [state = entry.run.state(), reply](const Status& status) {
                              if (status) {
                                reply(EditAnswer{state});
                              } else {
                                reply(status.error());
                              }
                            }});
  flush_soon();
}

}  // namespace orchestrator::runtime
