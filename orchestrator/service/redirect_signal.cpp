// An operator sends a signal again, or elsewhere.
#include <utility>

#include "orchestrator/digest/routing.hpp"
#include "orchestrator/service/engine_service.hpp"

namespace orchestrator::service {
namespace {

const char* audited_redirect(store::SignalLinkKind kind) {
  return kind == store::SignalLinkKind::replay ? "signal.replay" : "signal.retarget";
}

}  // namespace

void EngineService::redirect_signal(RedirectSignal request, Reply<SentSignal> reply) {
  const SignalId signal_id = request.signal_id;
  if (to_int(shard_of(signal_id)) >= node_.shard_count()) return reply(Error(ErrorCode::not_found, "no such signal"));
  store_.find_signal(signal_id, [this, request = std::move(request),
                                 reply = std::move(reply)](const Result<store::SignalView>& origin) mutable {
    if (!origin) return reply(origin.error());
    if (origin->namespace_name != request.namespace_name) return reply(Error(ErrorCode::not_found, "no such signal"));
    if (request.name.empty()) request.name = origin->name;
    if (!request.key && !request.run_id) {
      request.key = origin->key;
      request.run_id = origin->addressed_run_id;
    }
    if (request.run_id) return redirect_to_open(std::move(request), std::move(reply));
    redirect_once(std::move(request), std::move(reply));
  });
}

/// A run that is over would only reject it once more.
void EngineService::redirect_to_open(RedirectSignal request, Reply<SentSignal> reply) {
  const RunId run_id = *request.run_id;
  if (!is_ours(run_id)) return reply(Error(ErrorCode::not_found, "no such run"));
  store_.find_run(run_id, [this, request = std::move(request),
                           reply = std::move(reply)](const Result<store::RunView>& run) mutable {
    if (!run) return reply(run.error());
    if (run->header.namespace_name != request.namespace_name) return reply(Error(ErrorCode::not_found, "no such run"));
    if (is_closed(run->state)) {
      return reply(Error(ErrorCode::precondition_failed, "run-closed", "the run that would receive it is closed"));
    }
    redirect_once(std::move(request), std::move(reply));
  });
}

/// The id of a replay counts once, like any sender's.
void EngineService::redirect_once(RedirectSignal request, Reply<SentSignal> reply) {
  if (request.id.empty()) return redirect_now(request, reply);
  const ShardId shard = request.run_id
                            ? shard_of(*request.run_id)
                            : digest::shard_for_key(request.namespace_name, *request.key, node_.shard_count());
  store::LoadRequest look;
  look.signal_ids.push_back({shard, request.namespace_name, request.name, request.key, request.run_id, request.id});
  store_.load(std::move(look),
              [this, request = std::move(request), reply = std::move(reply)](const Result<store::LoadAnswer>& known) {
                if (!known) return reply(known.error());
                if (const auto& first = known->signal_ids.at(0)) {
                  return reply(SentSignal{first->signal_id, "duplicate", first->run_id, false});
                }
                redirect_now(request, reply);
              });
}

void EngineService::redirect_now(const RedirectSignal& request, const Reply<SentSignal>& reply) {
  const ShardId target = request.run_id
                             ? shard_of(*request.run_id)
                             : digest::shard_for_key(request.namespace_name, *request.key, node_.shard_count());
  runtime::RedirectRequest asked;
  asked.namespace_name = request.namespace_name;
  asked.origin = request.signal_id;
  asked.kind = request.kind;
  asked.even_consumed = !request.id.empty();
  asked.signal_id = SignalId{make_uuid7(node_.now(), target, node_.random())};
  asked.id = request.id.empty() ? asked.signal_id.str() : request.id;
  asked.name = request.name;
  asked.key = request.key;
  asked.run_id = request.run_id;
  asked.sender = request.sender;
  asked.reason = request.reason;
  asked.actor = request.actor;
  asked.audit = audited(request.namespace_name, {request.actor, request.sender}, audited_redirect(request.kind),
                        request.signal_id.str(), request.reason);
  Reply<runtime::SignalAnswer> made = [reply](const Result<runtime::SignalAnswer>& answer) {
    if (!answer) return reply(answer.error());
    reply(SentSignal{answer->signal_id, answer->fate, answer->run_id, false});
  };
  owners_.redirect_signal(std::move(asked), deadlines_->guard(std::move(made)));
}

}  // namespace orchestrator::service
