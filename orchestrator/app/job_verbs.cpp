#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/job_batch.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct JobOptions {
  ClientOptions client;
  std::string job_id;
  std::string handler;
  std::string queue;
  std::string input;
  std::string reason;
  // enqueue
  std::string run_at;
  int delay_seconds = 0;
  int priority = 0;
  std::string unique_key;
  int within_seconds = 0;
  std::string on_conflict;
  int max_attempts = 0;
  std::string order_key;
  std::string concurrency_key;
  std::string rate_key;
  std::string idempotency_key;
  // list
  std::string state;
  std::string key;
  std::string error;
  std::string cursor;
  int limit = 50;
  // cancel
  std::string mode = "graceful";
};

std::string path_of(const JobOptions& options, const std::string& rest = {}) {
  return "/v1/runs/" + tools::encode_component(options.job_id) + rest;
}

tools::ClientRequest post(std::string target, const Json& body) {
  tools::ClientRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = dump_json(body);
  return request;
}

void put_text(Json& body, const char* name, const std::string& value) {
  if (!value.empty()) body[name] = value;
}

void enqueue(const JobOptions& options, Exit& exit) {
  Json body = {{"handler", options.handler}};
  if (!options.input.empty()) {
    auto input = read_json_argument(options.input);
    if (!input) return explain(input.error(), exit);
    body["input"] = *std::move(input);
  }
  put_text(body, "queue", options.queue);
  put_text(body, "run_at", options.run_at);
  put_text(body, "order_key", options.order_key);
  put_text(body, "concurrency_key", options.concurrency_key);
  put_text(body, "rate_key", options.rate_key);
  if (options.delay_seconds > 0) body["delay_seconds"] = options.delay_seconds;
  if (options.priority != 0) body["priority"] = options.priority;
  if (options.max_attempts > 0) body["max_attempts"] = options.max_attempts;
  if (!options.unique_key.empty()) {
    Json unique = {{"key", options.unique_key}};
    if (options.within_seconds > 0) unique["within_seconds"] = options.within_seconds;
    put_text(unique, "on_conflict", options.on_conflict);
    body["unique"] = std::move(unique);
  }
  tools::ClientRequest request = post("/v1/jobs", body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

/// The list of runs knows both kinds: jobs are picked out of it.
void list(const JobOptions& options, Exit& exit) {
  const QueryParameters filter{{"handler", options.handler},
                               {"queue", options.queue},
                               {"state", options.state},
                               {"key", options.key},
                               {"error", options.error}};
  const auto page = list_page(options.client, "/v1/runs", filter, options.limit, options.cursor, exit,
                              [](const Json& item) { return string_member(item, "kind") == "job"; });
  if (page && !options.client.json()) print_runs(*page, std::cout);
}

void show(const JobOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = path_of(options);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_run(answer->value, std::cout);
}

void cancel(const JobOptions& options, Exit& exit) {
  Json body = {{"mode", options.mode}};
  put_text(body, "reason", options.reason);
  const auto answer = call_and_print(options.client, post(path_of(options, "/cancel"), body), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void retry(const JobOptions& options, Exit& exit) {
  Json body = Json::object();
  put_text(body, "reason", options.reason);
  if (!options.input.empty()) {
    auto input = read_json_argument(options.input);
    if (!input) return explain(input.error(), exit);
    body["input"] = *std::move(input);
  }
  const auto answer = call_and_print(options.client, post(path_of(options, "/retry"), body), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

using Act = void (*)(const JobOptions&, Exit&);

std::pair<CLI::App*, std::shared_ptr<JobOptions>> add(CLI::App& group, Exit& exit, const char* name, const char* help,
                                                      Act act) {
  auto options = std::make_shared<JobOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

void add_enqueue(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "enqueue", "Enqueue a job", enqueue);
  verb->add_option("handler", options->handler, "who performs it")->required();
  verb->add_option("--input", options->input, "JSON, @FILE or - for standard input");
  verb->add_option("--queue", options->queue, "without it \"default\"");
  verb->add_option("--run-at", options->run_at, "not before this moment (RFC 3339)");
  verb->add_option("--delay-seconds", options->delay_seconds, "not before so many seconds from now")
      ->excludes("--run-at");
  verb->add_option("--priority", options->priority, "-100 to 100, higher first");
  verb->add_option("--unique-key", options->unique_key, "unique among the handler's open jobs");
  verb->add_option("--within-seconds", options->within_seconds, "and among those that ended less than so long ago");
  verb->add_option("--on-conflict", options->on_conflict, "return_existing, replace or reject")
      ->check(CLI::IsMember({"return_existing", "replace", "reject"}));
  verb->add_option("--max-attempts", options->max_attempts, "without it 5");
  verb->add_option("--order-key", options->order_key, "jobs with this key run one after the other");
  verb->add_option("--concurrency-key", options->concurrency_key, "limited together");
  verb->add_option("--rate-key", options->rate_key, "limited together");
  verb->add_option("--idempotency-key", options->idempotency_key, "the same key enqueues once");
}

void add_enqueue_batch(CLI::App& group, Exit& exit) {
  const auto act = [](const JobOptions& options, Exit& told) {
    enqueue_batch(options.client, options.input, options.idempotency_key, told);
  };
  auto [verb, options] = add(group, exit, "enqueue-batch", "Enqueue many jobs", act);
  verb->add_option("jobs", options->input, "a JSON array of job bodies: JSON, @FILE or - for standard input")
      ->required();
  verb->add_option("--idempotency-key", options->idempotency_key, "a repeat enqueues only what is missing");
}

void add_list(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "list", "List jobs, newest first", list);
  verb->add_option("--handler", options->handler, "only jobs of this handler");
  verb->add_option("--queue", options->queue, "only jobs of this queue");
  verb->add_option("--state", options->state, "only jobs in this state");
  verb->add_option("--key", options->key, "only jobs with this unique key");
  verb->add_option("--error", options->error, "only jobs that ended with this error");
  verb->add_option("--limit", options->limit, "jobs per page")->check(CLI::Range(1, 500))->capture_default_str();
  verb->add_option("--cursor", options->cursor, "next_cursor of the page before");
}

}  // namespace

void add_job_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("job", "Enqueue, watch and steer jobs");
  group->require_subcommand(1);
  add_enqueue(*group, exit);
  add_enqueue_batch(*group, exit);
  add_list(*group, exit);
  const auto of_one = [&](const char* name, const char* help, Act act) {
    auto [verb, options] = add(*group, exit, name, help, act);
    verb->add_option("job_id", options->job_id, "the job")->required();
    return std::pair(verb, options);
  };
  of_one("show", "Show one job", show);
  {
    auto [verb, options] = of_one("cancel", "Ask a job to end", cancel);
    verb->add_option("--mode", options->mode, "graceful or kill")
        ->check(CLI::IsMember({"graceful", "kill"}))
        ->capture_default_str();
    verb->add_option("--reason", options->reason, "why; a kill needs one");
  }
  {
    auto [verb, options] = of_one("retry", "Revive a job that has failed", retry);
    verb->add_option("--input", options->input, "replaces its input: JSON, @FILE or -");
    verb->add_option("--reason", options->reason, "why");
  }
}

}  // namespace orchestrator::app
