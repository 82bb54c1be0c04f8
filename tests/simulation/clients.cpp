#include "tests/simulation/clients.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/messages.hpp"
#include "orchestrator/service/webhooks.hpp"

namespace orchestrator::testing {
namespace {

constexpr const char* kNamespace = "default";
constexpr const char* kScope = "POST /v1/runs/batch";
/// Longer than a node lets anybody wait: lease and five seconds.
constexpr Duration kPatience = std::chrono::seconds{21};

Payload input_for(const std::string& key) {
  return make_payload({{"key", key}, {"items", {key + "-1", key + "-2", key + "-3"}}});
}

service::StartRun start_request(const std::string& workflow, const std::string& key) {
  service::StartRun request;
  request.namespace_name = kNamespace;
  request.workflow = workflow;
  request.key = key;
  request.input = input_for(key);
  request.on_conflict = service::OnConflict::return_existing;
  request.on_closed = service::OnClosed::return_existing;
  return request;
}

service::SendSignal signal_request(const std::string& name, const std::string& key, const std::string& id) {
  service::SendSignal signal;
  signal.namespace_name = kNamespace;
  signal.name = name;
  signal.key = key;
  signal.id = id;
  signal.payload = make_payload({{"id", id}, {"key", key}});
  return signal;
}

}  // namespace

template <typename Answer>
struct Clients::Request {
  std::string name;
  std::function<void(service::Service&, service::Reply<Answer>)> send;
  std::function<void(const Answer&)> acknowledged;
  std::function<bool(Result<Answer>)> answered;
  std::uint64_t attempt = 0;
  bool is_done = false;
};

struct Clients::Batch {
  std::string workflow;
  std::string key;
  int count = 0;
  int times = 0;
};

Clients::Clients(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings, std::uint64_t seed)
    : cluster_(cluster), witness_(witness), findings_(findings), random_(seed) {}

template <typename Answer>
void Clients::ask(std::string name, std::function<void(service::Service&, service::Reply<Answer>)> send,
                  std::function<void(const Answer&)> acknowledged, std::function<bool(Result<Answer>)> answered) {
  auto request = std::make_shared<Request<Answer>>();
  request->name = std::move(name);
  request->send = std::move(send);
  request->acknowledged = std::move(acknowledged);
  request->answered = std::move(answered);
  ++waiting_;
  unanswered_.insert(request->name);
  try_once(request);
}

template <typename Answer>
void Clients::try_later(const std::shared_ptr<Request<Answer>>& request) {
  ++request->attempt;
  const Duration pause{static_cast<std::int64_t>(100'000 + random_.next() % 400'000)};
  cluster_.world.post_at(cluster_.world.now() + pause, [this, request] { try_once(request); });
}

template <typename Answer>
void Clients::try_once(const std::shared_ptr<Request<Answer>>& request) {
  const std::uint64_t attempt = ++request->attempt;
  const auto names = cluster_.node_names();
  if (names.empty()) return try_later(request);
  const auto reply = [this, request, attempt](Result<Answer> answer) {
    // An acknowledgement counts whether or not it reaches anybody.
    if (answer) request->acknowledged(*answer);
    const bool is_lost = lose_one_in_ != 0 && random_.next() % lose_one_in_ == 0;
    if (request->is_done || attempt != request->attempt || is_lost) return;
    if (!answer && error_traits(answer.error().code).retryable) return try_later(request);
    if (!request->answered(std::move(answer))) return try_later(request);
    request->is_done = true;
    --waiting_;
    unanswered_.erase(request->name);
  };
  const std::string& name = names[random_.next() % names.size()];
  cluster_.call(name, [request, reply](service::Service& service) { request->send(service, reply); });
  cluster_.world.post_at(cluster_.world.now() + kPatience, [this, request, attempt] {
    if (!request->is_done && attempt == request->attempt) try_once(request);
  });
}

std::optional<RunId> Clients::run_of(const std::string& workflow, const std::string& key) const {
  const auto found = runs_.find({workflow, key});
  if (found == runs_.end()) return std::nullopt;
  return found->second;
}

void Clients::began(const std::string& workflow, const std::string& key, RunId id) {
  const auto [known, is_new] = runs_.try_emplace({workflow, key}, id);
  if (!is_new && known->second != id)
    findings_.add("I-5", workflow + " " + key + " was begun as " + known->second.str() + " and again as " + id.str());
}

void Clients::check_run(RunId id, const std::string& what) {
  const auto& tables = cluster_.tables();
  if (!tables.open.contains(id) && !tables.closed.contains(id))
    findings_.add("I-1", what + " was acknowledged, but run " + id.str() + " is not there");
}

void Clients::check_signal(const std::string& name, const std::string& key, const std::string& id) {
  const auto& tables = cluster_.tables();
  const ShardId shard = digest::shard_for_key(kNamespace, key, static_cast<std::int32_t>(tables.owners.size()));
  if (!tables.senders.contains({shard, kNamespace, "key:" + key, name, id}))
    findings_.add("I-1", "the signal " + id + " was acknowledged, but it is not there");
  signals_.emplace(name, key, id);
}

// ---- requests ----------------------------------------------------------------------------------------------------

void Clients::start(const std::string& workflow, const std::string& key) {
  ask<service::StartedRun>(
      "start " + workflow + " " + key,
      [workflow, key](service::Service& service, service::Reply<service::StartedRun> reply) {
        service.start_run(start_request(workflow, key), std::move(reply));
      },
      [this, workflow, key](const service::StartedRun& started) {
        check_run(started.run_id, "the start of " + workflow + " " + key);
      },
      [this, workflow, key](Result<service::StartedRun> answer) {
        if (answer) {
          began(workflow, key, answer->run_id);
        } else {
          findings_.add("I-5", "the start of " + workflow + " " + key + " was refused: " + answer.error().message);
        }
        return true;
      });
}

void Clients::promise(const std::string& workflow, const std::string& key) {
  const auto shards = static_cast<std::int32_t>(cluster_.tables().owners.size());
  const ShardId shard = digest::shard_for_key(kNamespace, key, shards);
  const Timestamp now = cluster_.world.database_now();
  runtime::StartMessage message{.promised = true};
  message.request.id = RunId{make_uuid7(now, shard, random_.next())};
  message.request.namespace_name = kNamespace;
  message.request.workflow = workflow;
  message.request.key = key;
  message.request.input = input_for(key);
  message.request.on_conflict = runtime::KeyConflict::return_existing;
  message.request.on_closed = runtime::ClosedKey::return_existing;
  const RunId id = message.request.id;
  cluster_.commit_message(
      {shard, MessageId{id.bytes}, runtime::message_kind(message), runtime::encode_message(message), now});
  promised_.insert(id);
}

void Clients::enqueue(const std::string& handler, const std::string& key, JobSpec spec, Duration delay) {
  service::StartRun job;
  job.namespace_name = kNamespace;
  job.workflow = handler;
  job.key = key;
  job.input = make_payload({{"key", key}});
  job.on_conflict = service::OnConflict::return_existing;
  job.job.emplace();
  job.job->queue = "jobs";
  job.job->unique_within_seconds = 3'600;
  if (delay > Duration{}) job.job->delay = delay;
  job.job->spec = std::make_shared<const JobSpec>(std::move(spec));
  ask<service::StartedRun>(
      "job " + handler + " " + key,
      [job](service::Service& service, service::Reply<service::StartedRun> reply) {
        service.start_run(job, std::move(reply));
      },
      [this, handler, key](const service::StartedRun& started) {
        check_run(started.run_id, "the job " + handler + " " + key);
      },
      [this, handler, key](Result<service::StartedRun> answer) {
        if (answer) {
          began(handler, key, answer->run_id);
        } else {
          findings_.add("I-5", "the job " + handler + " " + key + " was refused: " + answer.error().message);
        }
        return true;
      });
}

void Clients::signal(const std::string& name, const std::string& key, const std::string& id) {
  signal_with_start({}, name, key, id);
}

void Clients::signal_with_start(const std::string& workflow, const std::string& name, const std::string& key,
                                const std::string& id) {
  service::SendSignal signal = signal_request(name, key, id);
  if (!workflow.empty()) signal.start = service::SendSignal::Start{workflow, input_for(key)};
  send(signal);
}

void Clients::broadcast(const std::string& name, const std::string& key, const std::string& id) {
  service::SendSignal signal = signal_request(name, key, id);
  signal.broadcast = true;
  send(signal);
}

void Clients::send(const service::SendSignal& signal) {
  ask<service::SentSignal>(
      "signal " + signal.id,
      [signal](service::Service& service, service::Reply<service::SentSignal> reply) {
        service.send_signal(signal, std::move(reply));
      },
      [this, signal](const service::SentSignal&) { check_signal(signal.name, *signal.key, signal.id); },
      [this, signal](Result<service::SentSignal> answer) {
        if (!answer) findings_.add("I-8", "the signal " + signal.id + " was refused: " + answer.error().message);
        return true;
      });
}

void Clients::signal_run(const std::string& workflow, const std::string& key, const std::string& name,
                         const std::string& id) {
  const auto run = run_of(workflow, key);
  if (!run) return;
  ask<service::SentSignal>(
      "signal " + id,
      [run, name, id](service::Service& service, service::Reply<service::SentSignal> reply) {
        service::SendSignal request;
        request.namespace_name = kNamespace;
        request.name = name;
        request.run_id = run;
        request.id = id;
        request.payload = make_payload({{"id", id}});
        service.send_signal(std::move(request), std::move(reply));
      },
      [this, run, name, id](const service::SentSignal&) {
        if (!cluster_.tables().senders.contains({shard_of(*run), kNamespace, "run:" + run->str(), name, id}))
          findings_.add("I-1", "the signal " + id + " was acknowledged, but it is not there");
      },
      [this, run, name, id](Result<service::SentSignal> answer) {
        // Refused to a closed run: kept with that fate.
        if (!answer && answer.error().slug != "run-closed")
          findings_.add("I-8", "the signal " + id + " was refused: " + answer.error().message);
        if (!cluster_.tables().senders.contains({shard_of(*run), kNamespace, "run:" + run->str(), name, id}))
          findings_.add("I-8", "the signal " + id + " was answered, but no row tells its fate");
        return true;
      });
}

void Clients::webhook(const std::string& signal_name, const std::string& signal_key, const std::string& dedupe_key,
                      int times) {
  for (int i = 0; i < times; ++i) {
    ask<service::WebhookKept>(
        "webhook " + dedupe_key + " " + std::to_string(i),
        [=](service::Service& service, service::Reply<service::WebhookKept> reply) {
          service::WebhookArrival arrival;
          arrival.namespace_name = kNamespace;
          arrival.endpoint = "payments";
          arrival.provider = "stripe";
          arrival.dedupe_key = dedupe_key;
          arrival.signal_name = signal_name;
          arrival.signals.push_back({dedupe_key, signal_key, make_payload({{"id", dedupe_key}})});
          arrival.body = "{}";
          service.webhooks().keep(std::move(arrival), std::move(reply));
        },
        [=, this](const service::WebhookKept&) {
          const auto& tables = cluster_.tables();
          const ShardId shard =
              digest::shard_for_key(kNamespace, dedupe_key, static_cast<std::int32_t>(tables.owners.size()));
          if (!tables.deliveries.contains({shard, kNamespace, "payments", dedupe_key}))
            findings_.add("I-1", "the webhook " + dedupe_key + " was acknowledged, but it is not there");
          signals_.emplace(signal_name, signal_key, dedupe_key);
        },
        [=, this](Result<service::WebhookKept> answer) {
          if (!answer) findings_.add("I-1", "the webhook " + dedupe_key + " was refused: " + answer.error().message);
          return true;
        });
  }
}

void Clients::cancel(const std::string& workflow, const std::string& key, CancelMode mode) {
  const auto run = run_of(workflow, key);
  if (!run) return;
  ask<service::CancelReceipt>(
      "cancel " + workflow + " " + key,
      [run, mode](service::Service& service, service::Reply<service::CancelReceipt> reply) {
        service.cancel_run({kNamespace, *run, mode, "the customer changed his mind", "simulation"}, std::move(reply));
      },
      [this, run](const service::CancelReceipt&) {
        const auto& inbox = cluster_.tables().inbox;
        const bool is_on_its_way = std::any_of(inbox.begin(), inbox.end(), [&](const auto& message) {
          return message.second.row.body.find(run->str()) != std::string::npos;
        });
        const bool is_brought_back = witness_.retries_of(*run) > 0;
        if (!witness_.was_cancelled(*run) && !is_on_its_way && !is_brought_back)
          findings_.add("I-1", "the cancellation of " + run->str() + " was acknowledged, but it is nowhere");
        cancelled_.insert(*run);
      },
      [this, run](const Result<service::CancelReceipt>& answer) {
        const bool is_refused = !answer && answer.error().slug == "run-closed";
        if (is_refused && !cluster_.tables().closed.contains(*run) && witness_.retries_of(*run) == 0)
          findings_.add("I-29", "a caller was told that run " + run->str() + " is closed, which is not committed");
        return true;
      });
}

void Clients::retry(const std::string& workflow, const std::string& key) {
  const auto run = run_of(workflow, key);
  if (!run) return;
  const int before = witness_.retries_of(*run);
  ask<service::RetriedRun>(
      "retry " + workflow + " " + key,
      [run](service::Service& service, service::Reply<service::RetriedRun> reply) {
        service::RetryRun request;
        request.namespace_name = kNamespace;
        request.run_id = *run;
        request.reason = "looked at";
        request.actor = "simulation";
        service.retry_run(std::move(request), std::move(reply));
      },
      [this, run, before](const service::RetriedRun&) {
        if (witness_.retries_of(*run) <= before)
          findings_.add("I-1", "the retry of " + run->str() + " was acknowledged, but it is not written");
      },
      [](Result<service::RetriedRun>) { return true; });
}

// ---- batches -----------------------------------------------------------------------------------------------------

void Clients::batch(const std::string& workflow, const std::string& key, int count, int times) {
  open_gate(std::make_shared<Batch>(Batch{workflow, key, count, times}));
}

void Clients::open_gate(const std::shared_ptr<Batch>& batch) {
  const service::IdempotencyRef ref{kScope, batch->key, "hash of the body"};
  ask<service::IdempotencyGate>(
      "open gate " + batch->key + " " + std::to_string(batch->times),
      [ref](service::Service& service, service::Reply<service::IdempotencyGate> reply) {
        service.open_gate(kNamespace, ref, std::move(reply));
      },
      [this, batch](const service::IdempotencyGate& gate) {
        const auto& tables = cluster_.tables();
        const ShardId shard =
            digest::shard_for_key(kNamespace, batch->key, static_cast<std::int32_t>(tables.owners.size()));
        const auto row = tables.idempotency.find({shard, kNamespace, kScope, batch->key});
        const bool is_kept =
            row != tables.idempotency.end() && (gate.replay || row->second.reserved_id == gate.reserved_id.str());
        if (!is_kept) findings_.add("I-18", "the gate " + batch->key + " was opened, but its reservation is not there");
      },
      [this, batch](Result<service::IdempotencyGate> gate) {
        // The first request with this key is still at work.
        if (!gate) return false;
        if (gate->replay) {
          const auto known = batches_.find(batch->key);
          std::string said;
          if (known != batches_.end()) {
            for (const RunId& id : known->second) said += id.str() + " ";
          }
          if (known != batches_.end() && gate->replay->body != said)
            findings_.add("I-18", "the gate " + batch->key + " repeats another answer than the first");
          if (--batch->times > 0) open_gate(batch);
        } else {
          start_batch(batch, gate->reserved_id);
        }
        return true;
      });
}

void Clients::start_batch(const std::shared_ptr<Batch>& batch, RunId seed) {
  using Answers = std::vector<Result<service::StartedRun>>;
  std::vector<service::StartRun> requests;
  for (int i = 0; i < batch->count; ++i) {
    auto request = start_request(batch->workflow, batch->key + "-" + std::to_string(i));
    request.on_conflict = service::OnConflict::reject;
    request.on_closed = service::OnClosed::allow;
    requests.push_back(std::move(request));
  }
  ask<Answers>(
      "start batch " + batch->key,
      [requests, seed](service::Service& service, service::Reply<Answers> reply) {
        service.start_runs(requests, seed, std::move(reply));
      },
      [this, batch](const Answers& answers) {
        for (const auto& answer : answers) {
          if (answer) check_run(answer->run_id, "the batch " + batch->key);
        }
      },
      [this, batch](Result<Answers> answers) {
        if (!answers) return false;
        std::vector<RunId> ids;
        for (std::size_t i = 0; i < answers->size(); ++i) {
          const auto& answer = (*answers)[i];
          if (!answer) {
            if (!error_traits(answer.error().code).retryable)
              findings_.add("I-18", "the batch " + batch->key + " was refused: " + answer.error().message);
            return !findings_.empty();
          }
          began(batch->workflow, batch->key + "-" + std::to_string(i), answer->run_id);
          ids.push_back(answer->run_id);
        }
        batches_[batch->key] = std::move(ids);
        close_gate(batch);
        return true;
      });
}

void Clients::close_gate(const std::shared_ptr<Batch>& batch) {
  std::string body;
  for (const RunId& id : batches_.at(batch->key)) body += id.str() + " ";
  const service::IdempotencyRef ref{kScope, batch->key, "hash of the body"};
  struct Closed {};
  ask<Closed>(
      "close gate " + batch->key,
      [ref, body](service::Service& service, service::Reply<Closed> reply) {
        service.close_gate(kNamespace, ref, {201, body}, [reply = std::move(reply)](Result<void> closed) {
          reply(closed ? Result<Closed>(Closed{}) : Result<Closed>(closed.error()));
        });
      },
      [](const Closed&) {},
      [this, batch](const Result<Closed>&) {
        if (--batch->times > 0) open_gate(batch);
        return true;
      });
}

}  // namespace orchestrator::testing
