#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct WebhookOptions {
  ClientOptions client;
  std::string name;  ///< of an endpoint, or a delivery's id
  // endpoint create
  std::string file;
  bool replace = false;
  std::string provider;
  std::vector<std::string> secrets;
  std::string signal;
  std::string key;
  std::string workflow;
  std::string options;
  std::string idempotency_key;
  // lists
  std::string endpoint;
  std::string verdict;
  std::string received_after;
  std::string received_before;
  std::string cursor;
  int limit = 50;
  // delivery replay
  std::string reason;
};

constexpr const char* kEndpoints = "/v1/webhook-endpoints";
constexpr const char* kDeliveries = "/v1/webhook-deliveries";

std::string one_of(const char* collection, const WebhookOptions& options, const std::string& rest = {}) {
  return std::string(collection) + "/" + tools::encode_component(options.name) + rest;
}

tools::ClientRequest request_of(const char* method, std::string target) {
  tools::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  return request;
}

/// What the file says, and over it what the options say.
Result<Json> read_body(const WebhookOptions& options) {
  Json body = Json::object();
  if (!options.file.empty()) {
    auto document = read_document(options.file);
    if (!document) return document.error();
    if (!document->is_object()) return fail(ErrorCode::invalid_argument, options.file + " holds no object");
    body = *std::move(document);
  }
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.provider.empty()) body["provider"] = options.provider;
  if (!options.secrets.empty()) body["secrets"] = options.secrets;
  if (!options.signal.empty()) body["signal"]["name"] = options.signal;
  if (!options.key.empty()) body["signal"]["key"] = options.key;
  if (!options.workflow.empty()) body["start"] = {{"workflow", options.workflow}};
  if (!options.options.empty()) {
    auto value = read_json_argument(options.options);
    if (!value) return value.error();
    body["options"] = *std::move(value);
  }
  return body;
}

void create_endpoint(const WebhookOptions& options, Exit& exit) {
  auto body = read_body(options);
  if (!body) return explain(body.error(), exit);
  const std::string name = string_member(*body, "name");
  if (options.replace && name.empty()) {
    std::cerr << "orchestrator: a name is needed, as an argument or in the file\n";
    exit.code = ExitCode::wrong_usage;
    return;
  }
  tools::ClientRequest request = options.replace
                                     ? request_of("PUT", std::string(kEndpoints) + "/" + tools::encode_component(name))
                                     : request_of("POST", kEndpoints);
  request.body = dump_json(*body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void print_more(const Json& page) {
  if (const std::string next = cell(page, "next_cursor"); next != "-") std::cout << "\nmore: --cursor " << next << "\n";
}

void list_endpoints(const WebhookOptions& options, Exit& exit) {
  const std::string target =
      with_query(kEndpoints, {{"limit", std::to_string(options.limit)}, {"cursor", options.cursor}});
  const auto answer = call_and_print(options.client, request_of("GET", target), exit);
  if (!answer || options.client.json()) return;
  Table table({"ENDPOINT", "PROVIDER", "ADDRESS", "SIGNAL", "KEY", "STARTS"});
  for (const Json& endpoint : answer->value.value("items", Json::array())) {
    const Json signal = endpoint.value("signal", Json::object());
    const Json start = endpoint.value("start", Json());
    table.add({cell(endpoint, "name"), cell(endpoint, "provider"), cell(endpoint, "url"), cell(signal, "name"),
               cell(signal, "key"), start.is_object() ? cell(start, "workflow") : "-"});
  }
  table.print(std::cout);
  print_more(answer->value);
}

void show_endpoint(const WebhookOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_of("GET", one_of(kEndpoints, options)), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void delete_endpoint(const WebhookOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_of("DELETE", one_of(kEndpoints, options)), exit);
  if (answer && !options.client.json()) std::cout << "deleted " << options.name << "\n";
}

void list_deliveries(const WebhookOptions& options, Exit& exit) {
  const QueryParameters filter{{"endpoint", options.endpoint},
                               {"provider", options.provider},
                               {"verdict", options.verdict},
                               {"received_after", options.received_after},
                               {"received_before", options.received_before}};
  const auto page = list_page(options.client, kDeliveries, filter, options.limit, options.cursor, exit);
  if (!page || options.client.json()) return;
  Table table({"DELIVERY", "RECEIVED", "ENDPOINT", "PROVIDER", "VERDICT", "REPEATS", "FATE", "EVENT"});
  for (const Json& delivery : page->at("items")) {
    table.add({cell(delivery, "delivery_id"), cell(delivery, "received_at"), cell(delivery, "endpoint"),
               cell(delivery, "provider"), cell(delivery, "verdict"), cell(delivery, "duplicates"),
               cell(delivery, "fate"), cell(delivery, "dedupe_key")});
  }
  table.print(std::cout);
  print_more(*page);
}

void show_delivery(const WebhookOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_of("GET", one_of(kDeliveries, options)), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void replay_delivery(const WebhookOptions& options, Exit& exit) {
  tools::ClientRequest request = request_of("POST", one_of(kDeliveries, options, "/replay"));
  if (!options.reason.empty()) request.body = dump_json(Json{{"reason", options.reason}});
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

using Act = void (*)(const WebhookOptions&, Exit&);
using Added = std::pair<CLI::App*, std::shared_ptr<WebhookOptions>>;

/// A verb of a group with the options that all of them share.
Added add(CLI::App& group, Exit& exit, const char* name, const char* help, Act act) {
  auto options = std::make_shared<WebhookOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

Added add_one(CLI::App& group, Exit& exit, const char* name, const char* help, const char* what, Act act) {
  Added added = add(group, exit, name, help, act);
  added.first->add_option("name", added.second->name, what)->required();
  return added;
}

void add_paging(CLI::App& verb, WebhookOptions& options) {
  verb.add_option("--limit", options.limit, "items per page")->check(CLI::Range(1, 500))->capture_default_str();
  verb.add_option("--cursor", options.cursor, "next_cursor of the page before");
}

void add_endpoint_verbs(CLI::App& webhook, Exit& exit) {
  CLI::App* group = webhook.add_subcommand("endpoint", "Addresses where providers may knock");
  group->require_subcommand(1);
  {
    auto [verb, options] = add(*group, exit, "create", "Create an endpoint, from options or a file", create_endpoint);
    verb->add_option("name", options->name, "its name");
    verb->add_option("-f,--file", options->file, "a JSON or YAML file with the body; options win over it");
    verb->add_flag("--replace", options->replace, "replace the endpoint of that name if there is one");
    verb->add_option("--provider", options->provider, "stripe, payfast, svix, ...");
    verb->add_option("--secret", options->secrets, "env:VARIABLE or the secret itself, may be repeated");
    verb->add_option("--signal", options->signal, "the signal's name");
    verb->add_option("--key", options->key, "JSONPath of the signal's key in the body");
    verb->add_option("--start", options->workflow, "a workflow to start when no open run has the key");
    verb->add_option("--options", options->options, "the provider's options: JSON, @FILE or -");
    verb->add_option("--idempotency-key", options->idempotency_key, "the same key creates once");
  }
  {
    auto [verb, options] = add(*group, exit, "list", "List endpoints, newest first", list_endpoints);
    add_paging(*verb, *options);
  }
  add_one(*group, exit, "show", "Show one endpoint", "the endpoint", show_endpoint);
  add_one(*group, exit, "delete", "Delete an endpoint; its deliveries stay", "the endpoint", delete_endpoint);
}

void add_delivery_verbs(CLI::App& webhook, Exit& exit) {
  CLI::App* group = webhook.add_subcommand("delivery", "What providers sent, as it was received");
  group->require_subcommand(1);
  {
    auto [verb, options] = add(*group, exit, "list", "List deliveries, newest first", list_deliveries);
    verb->add_option("--endpoint", options->endpoint, "only of this endpoint");
    verb->add_option("--provider", options->provider, "only of this provider");
    verb->add_option("--verdict", options->verdict, "accepted, poison, or duplicate: those that were repeated");
    verb->add_option("--received-after", options->received_after, "RFC 3339");
    verb->add_option("--received-before", options->received_before, "RFC 3339");
    add_paging(*verb, *options);
  }
  add_one(*group, exit, "show", "Show one delivery with its headers and body", "the delivery's id", show_delivery);
  {
    auto [verb, options] =
        add_one(*group, exit, "replay", "Send a delivery's signals once more", "the delivery's id", replay_delivery);
    verb->add_option("--reason", options->reason, "why");
    verb->add_option("--idempotency-key", options->idempotency_key, "the same key replays once");
  }
}

}  // namespace

void add_webhook_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("webhook", "The webhook inbox");
  group->require_subcommand(1);
  add_endpoint_verbs(*group, exit);
  add_delivery_verbs(*group, exit);
}

}  // namespace orchestrator::app
