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
  if (const Status decided = decide(entry, request.asked, pending_); !decided) {
    reply(decided.error());
    return;
  }
  const ShardId shard = shard_of(request.run_id);
  touch(shard, pending_);
  const RunHeader& header = entry.run.header();
  store::OpenRunEdit edit{find_shard(shard)->lease, request.run_id, header.run_at, header.priority};
  pending_.after.push_back({shard, [this, edit, state = entry.run.state(), reply](const Status& status) {
                              if (!status) return reply(status.error());
                              // The history holds the change; the row's columns are for lists, and for the next owner a
                              // shortcut.
                              parts_.store.edit_open_run(edit, [this, state, reply](const Result<void>& edited) {
                                if (!edited)
                                  parts_.logger.warn("edited_row_is_stale", {{"reason", edited.error().message}});
                                reply(EditAnswer{state});
                              });
                            }});
  flush_soon();
}

}  // namespace orchestrator::runtime
