#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/run_watch.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

/// How often `run wait` asks. A person waits; a program uses the long poll of the start.
constexpr std::chrono::milliseconds kWaitPoll{200};
/// Most history items that one `run history` prints.
constexpr int kMaxHistoryShown = 10'000;

struct RunOptions {
  ClientOptions client;
  std::string run_id;
  std::string workflow;
  std::string key;
  std::string input;
  int wait_seconds = 0;
  // start
  int version = 0;
  std::string on_conflict;
  std::string on_closed;
  std::string run_at;
  int priority = 0;
  std::vector<std::string> attributes;
  int timeout_seconds = 0;
  std::string idempotency_key;
  // list and history
  std::string state;
  std::string error;
  std::string query;
  std::string cursor;
  int limit = 50;
  // signal
  std::vector<std::string> run_and_name;
  std::string signal_id;
  int ttl_seconds = 0;
};

std::string path_of(const RunOptions& options, const std::string& rest = {}) {
  return "/v1/runs/" + tools::encode_component(options.run_id) + rest;
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

/// NAME=VALUE pairs; a value that is a JSON number or boolean is sent as one, anything else as text.
Result<Json> read_attributes(const std::vector<std::string>& pairs) {
  Json attributes = Json::object();
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::invalid_argument, "an attribute is NAME=VALUE, not " + pair);
    }
    const std::string text = pair.substr(equals + 1);
    auto value = parse_json(text);
    const bool scalar = value && (value->is_number() || value->is_boolean());
    attributes[pair.substr(0, equals)] = scalar ? *std::move(value) : Json(text);
  }
  return attributes;
}

void start(const RunOptions& options, Exit& exit) {
  Json body = {{"workflow", options.workflow}};
  if (!options.input.empty()) {
    auto input = read_json_argument(options.input);
    if (!input) return explain(input.error(), exit);
    body["input"] = *std::move(input);
  }
  if (!options.attributes.empty()) {
    auto attributes = read_attributes(options.attributes);
    if (!attributes) return explain(attributes.error(), exit);
    body["attributes"] = *std::move(attributes);
  }
  put_text(body, "key", options.key);
  put_text(body, "on_conflict", options.on_conflict);
  put_text(body, "on_closed", options.on_closed);
  put_text(body, "run_at", options.run_at);
  if (options.version > 0) body["version"] = options.version;
  if (options.priority != 0) body["priority"] = options.priority;
  if (options.timeout_seconds > 0) body["timeout_seconds"] = options.timeout_seconds;

  const std::string wait = options.wait_seconds > 0 ? std::to_string(options.wait_seconds) : "";
  tools::ClientRequest request = post(with_query("/v1/runs", {{"wait", wait}}), body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_run(answer->value, std::cout);
}

/// Starts what a JSON array of start bodies names; exit 1 when one of them was refused.
void start_batch(const RunOptions& options, Exit& exit) {
  auto runs = read_json_argument(options.input);
  if (!runs) return explain(runs.error(), exit);
  const Json body = runs->is_array() ? Json{{"runs", *std::move(runs)}} : *std::move(runs);
  tools::ClientRequest request = post("/v1/runs/batch", body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer) return;
  std::size_t number = 0;
  for (const Json& item : answer->value.value("items", Json::array())) {
    const bool refused = item.contains("error");
    if (refused) exit.code = ExitCode::refused;
    ++number;
    if (options.client.json()) continue;
    std::cout << number << "  "
              << (refused ? "refused: " + string_member(item["error"], "detail") : string_member(item, "run_id"))
              << "\n";
  }
}

void list(const RunOptions& options, Exit& exit) {
  const QueryParameters filter{{"state", options.state},
                               {"workflow", options.workflow},
                               {"key", options.key},
                               {"error", options.error},
                               {"q", options.query}};
  const auto page = list_page(options.client, "/v1/runs", filter, options.limit, options.cursor, exit);
  if (page && !options.client.json()) print_runs(*page, std::cout);
}

void show(const RunOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = path_of(options);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_run(answer->value, std::cout);
}

/// Follows the pages, because a story with its end missing answers nothing.
void history(const RunOptions& options, Exit& exit) {
  Json items = Json::array();
  std::string cursor;
  do {
    tools::ClientRequest request;
    request.target = with_query(path_of(options, "/history"), {{"limit", "500"}, {"cursor", cursor}});
    ClientOptions quiet = options.client;
    quiet.output = "table";
    const auto page = call_and_print(quiet, std::move(request), exit);
    if (!page) return;
    for (const Json& item : page->value.value("items", Json::array())) items.push_back(item);
    cursor = string_member(page->value, "next_cursor");
  } while (!cursor.empty() && items.size() < kMaxHistoryShown);

  if (options.client.json()) {
    const Json next = cursor.empty() ? Json() : Json(cursor);
    std::cout << dump_json(Json{{"items", items}, {"next_cursor", next}}) << "\n";
  } else {
    print_history(items, std::cout);
  }
}

void signal(const RunOptions& options, Exit& exit) {
  const bool to_run = options.run_and_name.size() == 2;
  if (to_run != options.key.empty()) {
    std::cerr << "orchestrator: a signal goes to RUN_ID NAME, or to NAME with --key\n";
    exit.code = ExitCode::wrong_usage;
    return;
  }
  Json payload;
  if (!options.input.empty()) {
    auto value = read_json_argument(options.input);
    if (!value) return explain(value.error(), exit);
    payload = *std::move(value);
  }
  const std::string wait = options.wait_seconds > 0 ? std::to_string(options.wait_seconds) : "";
  const std::string name = tools::encode_component(options.run_and_name.back());
  tools::ClientRequest request;
  if (to_run) {
    const std::string run = tools::encode_component(options.run_and_name.front());
    request = post(with_query("/v1/runs/" + run + "/signals/" + name, {{"wait", wait}}), payload);
  } else {
    Json envelope = {{"key", options.key}, {"payload", payload}};
    if (options.ttl_seconds > 0) envelope["ttl_seconds"] = options.ttl_seconds;
    request = post(with_query("/v1/signals/" + name, {{"wait", wait}}), envelope);
  }
  if (!options.signal_id.empty()) request.headers.emplace_back("Idempotency-Key", options.signal_id);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

bool is_closed_state(const std::string& state) {
  return state == "succeeded" || state == "failed" || state == "cancelled" || state == "timed_out";
}

void wait(const RunOptions& options, Exit& exit) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(options.wait_seconds);
  ClientOptions quiet = options.client;
  quiet.output = "table";
  for (;;) {
    tools::ClientRequest request;
    request.target = path_of(options);
    const auto answer = call_and_print(quiet, std::move(request), exit);
    if (!answer) return;
    const std::string state = string_member(answer->value, "state");
    const bool late = std::chrono::steady_clock::now() >= give_up;
    if (is_closed_state(state) || late) {
      if (options.client.json()) {
        std::cout << answer->text << "\n";
      } else {
        print_run(answer->value, std::cout);
      }
      if (late && !is_closed_state(state)) std::cerr << "orchestrator: the run has not ended in time\n";
      if (state != "succeeded") exit.code = ExitCode::refused;
      return;
    }
    std::this_thread::sleep_for(kWaitPoll);
  }
}

using Act = void (*)(const RunOptions&, Exit&);

/// A verb of the group with the options that all of them share.
std::pair<CLI::App*, std::shared_ptr<RunOptions>> add(CLI::App& group, Exit& exit, const char* name, const char* help,
                                                      Act act) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

void add_run_id(CLI::App& verb, RunOptions& options) {
  verb.add_option("run_id", options.run_id, "the run")->required();
}

void add_start(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "start", "Start a run", start);
  verb->add_option("workflow", options->workflow, "the workflow")->required();
  verb->add_option("--input", options->input, "JSON, @FILE or - for standard input");
  verb->add_option("--key", options->key, "unique among the workflow's open runs");
  verb->add_option("--version", options->version, "without it the newest");
  verb->add_option("--on-conflict", options->on_conflict, "reject, return_existing or cancel_existing");
  verb->add_option("--on-closed", options->on_closed, "allow, return_existing or reject");
  verb->add_option("--run-at", options->run_at, "not before this moment (RFC 3339)");
  verb->add_option("--priority", options->priority, "-100 to 100, higher first");
  verb->add_option("--attribute", options->attributes, "NAME=VALUE, may be repeated");
  verb->add_option("--timeout-seconds", options->timeout_seconds, "of the whole run");
  verb->add_option("--idempotency-key", options->idempotency_key, "the same key starts once");
  verb->add_option("--wait", options->wait_seconds, "answer when the run ends, at most this many seconds")
      ->check(CLI::Range(0, 60));
}

void add_start_batch(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "start-batch", "Start up to 10 000 runs in one call", start_batch);
  verb->add_option("runs", options->input, "a JSON array of start bodies: JSON, @FILE or - for standard input")
      ->required();
  verb->add_option("--idempotency-key", options->idempotency_key, "a repeat starts only what is missing");
}

void add_list(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "list", "List runs, newest first", list);
  verb->add_option("--state", options->state, "only runs in this state");
  verb->add_option("--workflow", options->workflow, "only runs of this workflow");
  verb->add_option("--key", options->key, "only runs with this key");
  verb->add_option("--error", options->error, "only runs that ended with this error");
  verb->add_option("-q,--query", options->query, "search text");
  verb->add_option("--limit", options->limit, "runs per page")->check(CLI::Range(1, 500))->capture_default_str();
  verb->add_option("--cursor", options->cursor, "next_cursor of the page before");
}

void add_signal(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "signal", "Send a signal: RUN_ID NAME, or NAME with --key", signal);
  verb->add_option("to", options->run_and_name, "RUN_ID NAME, or NAME alone with --key")->required()->expected(1, 2);
  verb->add_option("--key", options->key, "the key that the waiting run named");
  verb->add_option("--payload", options->input, "JSON, @FILE or - for standard input");
  verb->add_option("--id", options->signal_id, "the same id counts once");
  verb->add_option("--ttl-seconds", options->ttl_seconds, "how long it waits for a run");
  verb->add_option("--wait", options->wait_seconds, "answer with the final fate, at most this many seconds")
      ->check(CLI::Range(0, 60));
}

}  // namespace

void add_run_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("run", "Start, watch and steer runs");
  group->require_subcommand(1);
  add_start(*group, exit);
  add_start_batch(*group, exit);
  add_list(*group, exit);
  {
    auto [verb, options] = add(*group, exit, "show", "Show one run", show);
    add_run_id(*verb, *options);
  }
  {
    auto [verb, options] = add(*group, exit, "history", "Tell a run's story", history);
    add_run_id(*verb, *options);
  }
  add_run_watch(*group, exit);
  add_signal(*group, exit);
  add_run_steering_verbs(*group, exit);
  {
    auto [verb, options] = add(*group, exit, "wait", "Wait until a run ends; exit 1 unless it succeeded", wait);
    add_run_id(*verb, *options);
    options->wait_seconds = 3600;
    verb->add_option("--timeout", options->wait_seconds, "seconds")
        ->check(CLI::Range(0, 604'800))
        ->capture_default_str();
  }
}

}  // namespace orchestrator::app
