// operation start|watch|show|list|stop: one action on all runs that a filter names.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/operation_progress.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct OperationOptions {
  ClientOptions client;
  std::string operation_id;
  // start
  std::string action;
  std::vector<std::string> filter;
  std::string arguments;
  std::string reason;
  bool dry_run = false;
  bool wait = false;
  int rate_per_second = 0;
  std::string idempotency_key;
  // list
  std::string state;
  std::string cursor;
  int limit = 50;
};

/// NAME=VALUE as in `GET /v1/runs?NAME=VALUE`; a name given again makes a list.
Result<Json> read_filter(const std::vector<std::string>& pairs) {
  Json filter = Json::object();
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::invalid_argument, "a filter is NAME=VALUE, not " + pair);
    const std::string name = pair.substr(0, equals);
    const std::string text = pair.substr(equals + 1);
    auto value = parse_json(text);
    const bool is_scalar = value && (value->is_number() || value->is_boolean());
    Json one = is_scalar && name.starts_with("attribute.") ? *std::move(value) : Json(text);
    if (!filter.contains(name)) {
      filter[name] = std::move(one);
      continue;
    }
    if (!filter[name].is_array()) filter[name] = Json::array({filter[name]});
    filter[name].push_back(std::move(one));
  }
  return filter;
}

/// A rule asks for a second person: nothing has begun.
void print_waiting_approval(const Json& approval) {
  std::cout << "waits for a second person (" << cell(approval, "approver_role") << ") until "
            << cell(approval, "expires_at") << "\napproval " << cell(approval, "approval_id") << "\n";
}

void start(const OperationOptions& options, Exit& exit) {
  auto filter = read_filter(options.filter);
  if (!filter) return explain(filter.error(), exit);
  Json body = {{"action", options.action}, {"filter", *std::move(filter)}, {"reason", options.reason}};
  if (!options.arguments.empty()) {
    auto arguments = read_json_argument(options.arguments);
    if (!arguments) return explain(arguments.error(), exit);
    body["arguments"] = *std::move(arguments);
  }
  if (options.dry_run) body["dry_run"] = true;
  if (options.rate_per_second > 0) body["rate_per_second"] = options.rate_per_second;
  tools::ClientRequest request;
  request.method = "POST";
  request.target = "/v1/operations";
  request.body = dump_json(body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  ClientOptions told = options.client;
  // Followed to its end, the one JSON document is that of the end.
  if (options.wait) told.output = "table";
  const auto answer = call_and_print(told, std::move(request), exit);
  if (!answer) return;
  if (answer->value.contains("approval_id")) {
    if (options.wait && options.client.json()) std::cout << answer->text << "\n";
    if (!options.client.json()) print_waiting_approval(answer->value);
    return;
  }
  if (options.wait) {
    const std::string id = cell(answer->value, "operation_id");
    if (!options.client.json()) std::cout << "operation " << id << "\n" << std::flush;
    return follow_operation(options.client, id, exit);
  }
  if (options.client.json()) return;
  const Json sample = {{"items", answer->value.value("sample", Json::array())}, {"next_cursor", nullptr}};
  std::cout << (options.dry_run ? "would " : "") << options.action << " " << cell(answer->value, "matched")
            << " runs\n";
  if (!options.dry_run) std::cout << "operation " << cell(answer->value, "operation_id") << "\n";
  print_runs(sample, std::cout);
}

std::string path_of(const OperationOptions& options, const char* rest = "") {
  return "/v1/operations/" + tools::encode_component(options.operation_id) + rest;
}

void show(const OperationOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = path_of(options);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void watch(const OperationOptions& options, Exit& exit) {
  follow_operation(options.client, options.operation_id, exit);
}

void stop(const OperationOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.method = "POST";
  request.target = path_of(options, "/stop");
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void list(const OperationOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target =
      with_query("/v1/operations",
                 {{"state", options.state}, {"cursor", options.cursor}, {"limit", std::to_string(options.limit)}});
  const auto page = call_and_print(options.client, std::move(request), exit);
  if (!page || options.client.json()) return;
  Table table({"OPERATION", "ACTION", "STATE", "MATCHED", "DONE", "FAILED", "CREATED", "ACTOR", "REASON"});
  for (const Json& item : page->value.value("items", Json::array())) {
    table.add({cell(item, "operation_id"), cell(item, "action"), cell(item, "state"), cell(item, "matched"),
               cell(item, "done"), cell(item, "failed"), cell(item, "created_at"), cell(item, "actor"),
               cell(item, "reason")});
  }
  table.print(std::cout);
  if (const std::string next = cell(page->value, "next_cursor"); next != "-")
    std::cout << "\nmore: --cursor " << next << "\n";
}

using Act = void (*)(const OperationOptions&, Exit&);

std::pair<CLI::App*, std::shared_ptr<OperationOptions>> add(CLI::App& group, Exit& exit, const char* name,
                                                            const char* help, Act act) {
  auto options = std::make_shared<OperationOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

}  // namespace

void add_operation_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("operation", "One action on many runs");
  group->require_subcommand(1);
  {
    auto [verb, options] = add(*group, exit, "start", "Act on all runs that a filter names now", start);
    verb->add_option("action", options->action, "cancel, retry, pause, resume or discard")
        ->required()
        ->check(CLI::IsMember({"cancel", "retry", "pause", "resume", "discard"}));
    verb->add_option("--filter", options->filter, "NAME=VALUE as in the list of runs, may be repeated")->required();
    verb->add_option("--arguments", options->arguments, "of a cancel or retry: JSON, @FILE or -");
    verb->add_option("--rate", options->rate_per_second, "runs per second")->check(CLI::Range(1, 10'000));
    verb->add_flag("--dry-run", options->dry_run, "only count them and show some");
    verb->add_option("--reason", options->reason, "why")->required();
    verb->add_option("--idempotency-key", options->idempotency_key, "the same key starts once");
    verb->add_flag("--wait", options->wait, "follow it to its end")->excludes("--dry-run");
  }
  {
    auto [verb, options] = add(*group, exit, "watch", "Follow an operation to its end", watch);
    verb->add_option("operation_id", options->operation_id, "the operation")->required();
  }
  {
    auto [verb, options] = add(*group, exit, "show", "How far an operation is", show);
    verb->add_option("operation_id", options->operation_id, "the operation")->required();
  }
  {
    auto [verb, options] = add(*group, exit, "list", "List operations, newest first", list);
    verb->add_option("--state", options->state, "running, done or stopped");
    verb->add_option("--limit", options->limit, "per page")->check(CLI::Range(1, 500))->capture_default_str();
    verb->add_option("--cursor", options->cursor, "next_cursor of the page before");
  }
  {
    auto [verb, options] = add(*group, exit, "stop", "Let an operation begin nothing more", stop);
    verb->add_option("operation_id", options->operation_id, "the operation")->required();
  }
}

}  // namespace orchestrator::app
