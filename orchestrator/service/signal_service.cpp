// Signals: accepted means durable.
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/messages.hpp"
#include "orchestrator/service/engine_service.hpp"

namespace orchestrator::service {
namespace {

constexpr Duration kFatePoll = std::chrono::milliseconds{20};

bool is_final(std::string_view fate) {
  return fate != "delivered" && fate != "buffered" && fate != "started" && fate != "duplicate";
}

}  // namespace

void EngineService::send_signal(SendSignal request, Reply<SentSignal> reply) {
  if (request.run_id && !is_ours(*request.run_id)) return reply(Error(ErrorCode::not_found, "no such run"));
  const ShardId shard = request.run_id
                            ? shard_of(*request.run_id)
                            : digest::shard_for_key(request.namespace_name, *request.key, node_.shard_count());
  runtime::SignalRequest asked;
  asked.namespace_name = request.namespace_name;
  asked.name = request.name;
  asked.key = request.key;
  asked.run_id = request.run_id;
  asked.signal_id = SignalId{make_uuid7(node_.now(), shard, node_.random())};
  asked.id = request.id.empty() ? asked.signal_id.str() : request.id;
  asked.payload = request.payload;
  asked.sender = request.sender;
  asked.actor = request.actor;
  if (request.ttl_seconds) asked.ttl_seconds = *request.ttl_seconds;
  if (request.start) asked.start = runtime::SignalRequest::Start{request.start->workflow, request.start->input};

  Reply<runtime::SignalAnswer> first_fate = [reply = std::move(reply)](Result<runtime::SignalAnswer> answer) {
    if (!answer) return reply(std::move(answer).error());
    reply(SentSignal{answer->signal_id, answer->fate, answer->run_id, is_final(answer->fate)});
  };
  owners_.send_signal(shard, std::move(asked), deadlines_->guard(std::move(first_fate)));
}

void EngineService::wait_for_fate(SentSignal sent, std::chrono::seconds wait, Reply<SentSignal> reply) {
  await_fate(std::move(sent), node_.now() + wait, std::move(reply));
}

void EngineService::await_fate(SentSignal sent, Timestamp until, Reply<SentSignal> reply) {
  store_.find_signal(
      sent.signal_id, [this, sent, until, reply = std::move(reply)](Result<store::SignalRow> row) mutable {
        if (row && is_final(store::to_string(row->fate))) {
          reply(SentSignal{sent.signal_id, std::string(store::to_string(row->fate)), row->run_id, true});
        } else if (node_.now() >= until) {
          reply(std::move(sent));
        } else {
          executor_.post_after(kFatePoll, [this, sent = std::move(sent), until, reply = std::move(reply)] {
            await_fate(sent, until, reply);
          });
        }
      });
}

void EngineService::find_signal(std::string namespace_name, SignalId id, Reply<store::SignalRow> reply) {
  store_.find_signal(
      id, [namespace_name = std::move(namespace_name), reply = std::move(reply)](Result<store::SignalRow> row) {
        if (row && row->namespace_name != namespace_name) {
          reply(fail(ErrorCode::not_found, "no such signal"));
        } else {
          reply(std::move(row));
        }
      });
}

void EngineService::list_signals(store::SignalFilter filter, Reply<store::SignalPage> reply) {
  store_.list_signals(std::move(filter), std::move(reply));
}

}  // namespace orchestrator::service
