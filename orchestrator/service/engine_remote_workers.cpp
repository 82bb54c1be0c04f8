#include "orchestrator/service/engine_remote_workers.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::service {
namespace {

using runtime::TaskAnswer;

constexpr std::int32_t kItemsPerLook = 500;

}  // namespace

/// A completion whose token is settled, on its way through the run's history: was it this one that counted?
struct EngineRemoteWorkers::Proof {
  std::string namespace_name;
  runtime::TaskToken token;
  Payload output;
  RunState state = RunState::running;
  Reply<TaskAnswer> reply;
  std::optional<std::int64_t> scope;  ///< of the token's step, once its entry was seen
};

EngineRemoteWorkers::EngineRemoteWorkers(Service& service, runtime::Node& node, runtime::Owners& owners,
                                         store::Store& store, std::shared_ptr<Deadlines> deadlines)
    : service_(service),
      node_(node),
      owners_(owners),
      secret_(store.cluster_secret()),
      deadlines_(std::move(deadlines)) {}

std::uint64_t EngineRemoteWorkers::claim(runtime::ClaimRequest request,
                                         Reply<std::vector<runtime::ClaimedTask>> reply) {
  return owners_.claims().claim(std::move(request), std::move(reply));
}

void EngineRemoteWorkers::stop_claim(std::uint64_t number) { owners_.claims().stop(number); }

void EngineRemoteWorkers::give_back(std::string namespace_name, std::vector<runtime::ClaimedTask> tasks) {
  owners_.give_back(namespace_name, tasks);
}

void EngineRemoteWorkers::report(ReportTask report, Reply<TaskAnswer> reply) {
  reply = deadlines_->guard(std::move(reply));
  const auto token = runtime::opened_token(report.token, secret_);
  if (!token || to_int(shard_of(token->run_id)) >= node_.shard_count()) {
    reply(runtime::stale_lease());
    return;
  }
  runtime::TaskReport said;
  said.namespace_name = report.namespace_name;
  said.token = *token;
  said.kind = report.kind;
  said.outcome = report.outcome;
  said.details = report.details;
  const bool may_be_repeated = report.kind == runtime::TaskReport::Kind::outcome &&
                               report.outcome.kind == Outcome::Kind::completed && !token->task.inquiry;
  if (!may_be_repeated) {
    owners_.report_task(std::move(said), std::move(reply));
    return;
  }
  auto proof = std::make_shared<Proof>();  // shared by the looks, which follow each other
  proof->namespace_name = std::move(report.namespace_name);
  proof->token = *token;
  proof->output = report.outcome.output;
  proof->reply = std::move(reply);
  owners_.report_task(std::move(said), [this, proof](Result<TaskAnswer> answer) {
    if (answer || answer.error().slug != "stale-lease") {
      proof->reply(std::move(answer));
      return;
    }
    // The first answer may have been lost on its way: then the history has the same output for this attempt.
    service_.read_run(proof->namespace_name, proof->token.run_id, [this, proof](Result<RunReading> reading) {
      if (!reading) {
        const bool passes = error_traits(reading.error().code).retryable;
        proof->reply(passes ? std::move(reading).error() : runtime::stale_lease());
        return;
      }
      proof->state = reading->view.state;
      const auto& view = reading->view;
      if (view.header.kind == RunKind::job) {
        // A job has no journal: its row says how it ended.
        const bool is_kept = view.state == RunState::succeeded || (view.state == RunState::cancelled && view.output);
        const bool counted =
            is_kept && view.attempts == proof->token.task.attempt && json_of(view.output) == json_of(proof->output);
        const TaskAnswer settled{.run_id = proof->token.run_id, .state = view.state};
        proof->reply(counted ? Result<TaskAnswer>(settled) : runtime::stale_lease());
        return;
      }
      look_for_outcome(proof, {});
    });
  });
}

void EngineRemoteWorkers::look_for_outcome(std::shared_ptr<Proof> proof, std::string cursor) {
  service_.read_history(proof->namespace_name, proof->token.run_id, kItemsPerLook, std::move(cursor),
                        [this, proof](Result<HistoryPage> page) {
                          if (!page) {
                            proof->reply(std::move(page).error());
                            return;
                          }
                          for (const Json& item : page->items) {
                            const auto scope = item.value("scope", std::int64_t{0});
                            if (item.at("seq").get<EventId>() == proof->token.task.step) proof->scope = scope;
                            const std::string type = string_member(item, "type");
                            if (proof->scope != scope || !type.starts_with("Task")) continue;
                            if (type == "TaskSucceeded" && item.value("attempt", 0) == proof->token.task.attempt &&
                                item.value("output", Json()) == json_of(proof->output)) {
                              proof->reply(TaskAnswer{.run_id = proof->token.run_id, .state = proof->state});
                              return;
                            }
                            const bool is_left =
                                type == "TaskStateExited" || (type == "TaskStateEntered" && proof->scope == scope &&
                                                              item.at("seq").get<EventId>() > proof->token.task.step);
                            if (is_left) {
                              proof->reply(runtime::stale_lease());
                              return;
                            }
                          }
                          if (page->next_cursor) {
                            look_for_outcome(proof, *page->next_cursor);
                          } else {
                            proof->reply(runtime::stale_lease());
                          }
                        });
}

}  // namespace orchestrator::service
