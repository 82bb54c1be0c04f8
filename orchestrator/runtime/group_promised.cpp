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

bool is_key_conflict(const Error& error) { return error.slug == "run-key-conflict" || error.slug == "unique-conflict"; }

std::optional<RunId> holder_of_key(const Error& conflict) {
  for (const auto& [name, value] : conflict.members) {
    if (name != "run_id") continue;
    if (auto id = RunId::parse(value)) return *id;
  }
  return std::nullopt;
}

/// The places that two bytes can tell.
constexpr std::size_t kMaxPromisedJobs = 65'536;

RunId nth_id(RunId first, std::size_t place) {
  first.bytes[14] = static_cast<std::uint8_t>(place >> 8);
  first.bytes[15] = static_cast<std::uint8_t>(place);
  return first;
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
  std::string error = "RunKeyConflict";
  std::string cause;
  std::optional<RunId> holder;
  if (answer) {
    holder = answer->run_id;
    cause = "the run " + holder->str() + " has the key already";
  } else if (is_key_conflict(answer.error()) || answer.error().slug == "unique-conflict") {
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

  auto entry = std::make_unique<RunEntry>(core::Run(
      std::move(header),
      request.job ? job_definitions_.find(request.workflow, request.job->queue, request.job->spec) : no_definition()));
  entry->successor = holder;
  // Not among the open keys: the one that holds the key stays there.
  RunEntry& kept = *(shard->runs[request.id] = std::move(entry));
  auto decision = parts_.planner.refuse(kept.run, state, std::move(error), std::move(cause), inputs());
  parts_.metrics.started(kept.run.header().kind).add();
  record(kept, std::move(decision), pending_);
  flush_soon();
}

/// One batch for all: the message is deleted with its last job. Either all are appended here, or none when the shard is
/// just going away.
void ShardGroup::on_message(const StartJobsMessage& message, const IncomingMessage& row) {
  if (!message.first.job || message.first.key || message.inputs.size() > kMaxPromisedJobs) {
    parts_.logger.error("message_unreadable", {{"kind", row.kind}, {"message_id", row.id.str()}});
    return;
  }
  bool is_put_off = false;
  for (std::size_t place = 0; place < message.inputs.size() && !is_put_off; ++place) {
    StartRequest one = message.first;
    one.id = nth_id(message.first.id, place);
    one.input = message.inputs[place];
    one.answer_when_appended = true;
    // The answer comes before start_active returns: a job without a unique key needs no look-up.
    start_active(std::move(one), {}, [this, &is_put_off, &message, place](const Result<StartAnswer>& answer) {
      is_put_off = !answer && is_passing(answer.error());
      if (answer || is_put_off) return;
      StartMessage refused{.request = message.first, .promised = true};
      refused.request.id = nth_id(message.first.id, place);
      refused.request.input = message.inputs[place];
      keep_promise(refused, answer);
    });
  }
  if (is_put_off) {
    handle_later(row);
  } else {
    finish_message(row, pending_);
  }
}

}  // namespace orchestrator::runtime
