// Starts that were acknowledged when their message was inserted: whoever has the id learns what became of it, also when
// nothing could.
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/parse.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

/// A run that never begins needs no states of its own, and its workflow may not even exist.
language::DefinitionPtr no_definition() {
  static const language::DefinitionPtr nothing =
      language::parse_definition(Json{{"StartAt", "Refused"}, {"States", {{"Refused", {{"Type", "Fail"}}}}}}, {})
          .definition;
  return nothing;
}

RunHeader header_of(const StartRequest& request) {
  RunHeader header;
  header.id = request.id;
  header.namespace_name = request.namespace_name;
  header.workflow = request.workflow;
  header.version = request.version;
  header.key = request.key;
  header.priority = request.priority;
  header.input = request.input;
  header.attributes = request.attributes;
  header.traceparent = request.traceparent;
  header.created_at = time_of(request.id.bytes);
  header.run_at = request.run_at;
  header.timeout_seconds = request.timeout_seconds;
  if (request.job) {
    header.kind = RunKind::job;
    header.queue = request.job->queue;
    header.job = request.job->spec;
    if (request.job->delay) header.run_at = header.created_at + *request.job->delay;
  }
  return header;
}

std::optional<RunId> holder_of_key(const Error& conflict) {
  for (const auto& [name, value] : conflict.members) {
    if (name != "run_id") continue;
    if (auto id = RunId::parse(value)) return *id;
  }
  return std::nullopt;
}

std::string with_faults(const Error& error) {
  std::string cause = error.message;
  for (const FaultDetail& fault : error.faults) cause += "; " + fault.pointer + " " + fault.message;
  return cause;
}

}  // namespace

/// In the batch that deletes the message. Key conflicts end as cancelled and name the run that holds the key; what else
/// cannot begin is a dead letter.
void ShardGroup::keep_promise(const StartMessage& message, const Result<StartAnswer>& answer) {
  const StartRequest& request = message.request;
  Shard* shard = find_shard(shard_of(request.id));
  if (shard == nullptr || shard->runs.contains(request.id)) return;
  if (answer && answer->run_id == request.id) return;

  RunHeader header = header_of(request);
  RunState state = RunState::cancelled;
  std::string error = request.job ? "UniqueConflict" : "RunKeyConflict";
  std::string cause;
  std::optional<RunId> holder;
  if (answer) {
    holder = answer->run_id;
    cause = "the run " + holder->str() + " has the key already";
  } else if (answer.error().slug == "run-key-conflict" || answer.error().slug == "unique-conflict") {
    holder = holder_of_key(answer.error());
    cause = answer.error().message;
  } else {
    state = RunState::failed;
    error = "Orchestrator.StartRefused";
    cause = with_faults(answer.error());
  }
  if (!answer && answer.error().slug == "unstorable-data") {
    header.input = nullptr;
    header.attributes = nullptr;
    header.key.reset();
  }

  auto entry = std::make_unique<RunEntry>(core::Run(std::move(header), no_definition()));
  entry->successor = holder;
  // Not among the open keys: the one that holds the key stays there.
  RunEntry& kept = *(shard->runs[request.id] = std::move(entry));
  auto decision = parts_.planner.refuse(kept.run, state, std::move(error), std::move(cause), inputs());
  parts_.metrics.started(kept.run.header().kind).add();
  record(kept, std::move(decision), pending_);
  flush_soon();
}

}  // namespace orchestrator::runtime
