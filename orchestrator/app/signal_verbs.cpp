#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct SignalOptions {
  ClientOptions client;
  std::string signal_id;
  std::string name;
  std::string key;
  std::string run_id;
  // send
  std::string payload;
  std::string sender_id;
  int ttl_seconds = 0;
  std::string workflow;
  bool broadcast = false;
  int wait_seconds = 0;
  // list
  std::string fate;
  std::string origin;
  std::string received_after;
  std::string received_before;
  std::string cursor;
  int limit = 50;
  // replay and retarget
  std::string reason;
  std::string idempotency_key;
};

std::string path_of(const SignalOptions& options, const std::string& rest = {}) {
  return "/v1/signals/" + tools::encode_component(options.signal_id) + rest;
}

tools::ClientRequest request_of(const char* method, std::string target) {
  tools::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  return request;
}

void put_text(Json& body, const char* name, const std::string& value) {
  if (!value.empty()) body[name] = value;
}

void print_answer(const SignalOptions& options, tools::ClientRequest request, Exit& exit) {
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

/// To a key with the envelope, or to a run, whose body is the payload alone.
void send(const SignalOptions& options, Exit& exit) {
  if (options.key.empty() == options.run_id.empty()) {
    std::cerr << "orchestrator: a signal goes to a key or to a run: --key or --run\n";
    exit.code = ExitCode::wrong_usage;
    return;
  }
  Json payload;
  if (!options.payload.empty()) {
    auto value = read_json_argument(options.payload);
    if (!value) return explain(value.error(), exit);
    payload = *std::move(value);
  }
  const std::string wait = options.wait_seconds > 0 ? std::to_string(options.wait_seconds) : "";
  const std::string name = tools::encode_component(options.name);
  const std::string path = options.run_id.empty()
                               ? "/v1/signals/" + name
                               : "/v1/runs/" + tools::encode_component(options.run_id) + "/signals/" + name;
  tools::ClientRequest request = request_of("POST", with_query(path, {{"wait", wait}}));
  if (options.run_id.empty()) {
    Json envelope = {{"key", options.key}, {"payload", payload}};
    if (options.ttl_seconds > 0) envelope["ttl_seconds"] = options.ttl_seconds;
    if (!options.workflow.empty()) envelope["start"] = {{"workflow", options.workflow}};
    if (options.broadcast) envelope["broadcast"] = true;
    request.body = dump_json(envelope);
  } else {
    request.body = dump_json(payload);
  }
  if (!options.sender_id.empty()) request.headers.emplace_back("Idempotency-Key", options.sender_id);
  print_answer(options, std::move(request), exit);
}

void list(const SignalOptions& options, Exit& exit) {
  const QueryParameters filter{{"name", options.name},
                               {"key", options.key},
                               {"fate", options.fate},
                               {"run_id", options.run_id},
                               {"origin", options.origin},
                               {"received_after", options.received_after},
                               {"received_before", options.received_before}};
  const auto page = list_page(options.client, "/v1/signals", filter, options.limit, options.cursor, exit);
  if (!page || options.client.json()) return;
  Table table({"SIGNAL", "RECEIVED", "NAME", "KEY", "FATE", "REASON", "RUN", "WAIT"});
  for (const Json& signal : page->at("items")) {
    table.add({cell(signal, "signal_id"), cell(signal, "received_at"), cell(signal, "name"), cell(signal, "key"),
               cell(signal, "fate"), cell(signal, "reason"), cell(signal, "run_id"), cell(signal, "state_name")});
  }
  table.print(std::cout);
  if (const std::string next = cell(*page, "next_cursor"); next != "-") {
    std::cout << "\nmore: --cursor " << next << "\n";
  }
}

void show(const SignalOptions& options, Exit& exit) {
  print_answer(options, request_of("GET", path_of(options)), exit);
}

void post_redirect(const SignalOptions& options, const char* action, const Json& body, Exit& exit) {
  tools::ClientRequest request = request_of("POST", path_of(options, action));
  request.body = dump_json(body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  print_answer(options, std::move(request), exit);
}

void replay(const SignalOptions& options, Exit& exit) {
  Json body = {{"reason", options.reason}};
  put_text(body, "id", options.sender_id);
  post_redirect(options, "/replay", body, exit);
}

void retarget(const SignalOptions& options, Exit& exit) {
  Json body = {{"reason", options.reason}};
  put_text(body, "name", options.name);
  put_text(body, "key", options.key);
  put_text(body, "run_id", options.run_id);
  post_redirect(options, "/retarget", body, exit);
}

using Act = void (*)(const SignalOptions&, Exit&);
using Added = std::pair<CLI::App*, std::shared_ptr<SignalOptions>>;

/// A verb of the group with the options that all of them share.
Added add(CLI::App& group, Exit& exit, const char* name, const char* help, Act act) {
  auto options = std::make_shared<SignalOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

Added add_one(CLI::App& group, Exit& exit, const char* name, const char* help, Act act) {
  Added added = add(group, exit, name, help, act);
  added.first->add_option("signal_id", added.second->signal_id, "the signal")->required();
  return added;
}

void add_send(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "send", "Send a signal to a key or to a run", send);
  verb->add_option("name", options->name, "the signal's name")->required();
  verb->add_option("--key", options->key, "the key that the waiting run named");
  verb->add_option("--run", options->run_id, "one run, whatever key it waits for");
  verb->add_option("--payload", options->payload, "JSON, @FILE or - for standard input");
  verb->add_option("--id", options->sender_id, "the same id counts once");
  verb->add_option("--ttl-seconds", options->ttl_seconds, "how long it waits for a run");
  verb->add_option("--start", options->workflow, "a workflow to start when no open run of it has the key");
  verb->add_flag("--broadcast", options->broadcast, "a copy for each run that waits for it now");
  verb->add_option("--wait", options->wait_seconds, "answer with the final fate, at most this many seconds")
      ->check(CLI::Range(0, 60));
}

void add_list(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "list", "List signals, newest first", list);
  verb->add_option("--name", options->name, "only of this name");
  verb->add_option("--key", options->key, "only for this key");
  verb->add_option("--fate", options->fate, "delivered, buffered, consumed, expired, unmatched or rejected");
  verb->add_option("--run", options->run_id, "only those that a run was sent or has met");
  verb->add_option("--origin", options->origin, "only those that were made from this signal");
  verb->add_option("--received-after", options->received_after, "RFC 3339");
  verb->add_option("--received-before", options->received_before, "RFC 3339");
  verb->add_option("--limit", options->limit, "items per page")->check(CLI::Range(1, 500))->capture_default_str();
  verb->add_option("--cursor", options->cursor, "next_cursor of the page before");
}

void add_redirects(CLI::App& group, Exit& exit) {
  {
    auto [verb, options] = add_one(group, exit, "replay", "Send a signal once more, as it was", replay);
    verb->add_option("--id", options->sender_id, "of the new one; needed for what was consumed or replayed before");
    verb->add_option("--reason", options->reason, "why")->required();
    verb->add_option("--idempotency-key", options->idempotency_key, "the same key replays once");
  }
  {
    auto [verb, options] = add_one(group, exit, "retarget", "Send a signal on to somebody else", retarget);
    verb->add_option("--name", options->name, "another name");
    verb->add_option("--key", options->key, "another key");
    verb->add_option("--run", options->run_id, "one run instead of a key");
    verb->add_option("--reason", options->reason, "why")->required();
    verb->add_option("--idempotency-key", options->idempotency_key, "the same key retargets once");
  }
}

}  // namespace

void add_signal_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("signal", "What was sent to runs, and what became of it");
  group->require_subcommand(1);
  add_send(*group, exit);
  add_list(*group, exit);
  add_one(*group, exit, "show", "Show one signal with its fate", show);
  add_redirects(*group, exit);
}

}  // namespace orchestrator::app
