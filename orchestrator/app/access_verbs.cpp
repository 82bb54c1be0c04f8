#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
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

struct AccessOptions {
  ClientOptions client;
  std::string name;  ///< of a key; or the id of a key or an approval; or a file
  std::string role;
  std::vector<std::string> namespaces;
  std::vector<std::string> scopes;
  std::string expires_at;
  std::string reason;
  std::string state;
  std::string limit = "50";
  std::string cursor;
};

using Act = void (*)(const AccessOptions&, Exit&);

tools::ClientRequest request_to(const char* method, std::string target, const Json& body = {}) {
  tools::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  if (!body.is_null()) request.body = dump_json(body);
  return request;
}

void print_object(const AccessOptions& options, tools::ClientRequest request, Exit& exit) {
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void print_list(const AccessOptions& options, const std::string& path, const std::vector<const char*>& members,
                Exit& exit) {
  const std::string target =
      with_query(path, {{"state", options.state}, {"limit", options.limit}, {"cursor", options.cursor}});
  const auto answer = call_and_print(options.client, request_to("GET", target), exit);
  if (!answer || options.client.json()) return;
  Table table(std::vector<std::string>(members.begin(), members.end()));
  for (const Json& item : answer->value.value("items", Json::array())) {
    std::vector<Cell> cells;
    for (const char* member : members) cells.emplace_back(cell(item, member));
    table.add(std::move(cells));
  }
  table.print(std::cout);
  const auto next = answer->value.find("next_cursor");
  if (next != answer->value.end() && next->is_string())
    std::cout << "more: --cursor " << next->get<std::string>() << "\n";
}

void create_key(const AccessOptions& options, Exit& exit) {
  Json body = {{"name", options.name}, {"role", options.role}};
  if (!options.namespaces.empty()) body["namespaces"] = options.namespaces;
  if (!options.scopes.empty()) body["scopes"] = options.scopes;
  if (!options.expires_at.empty()) body["expires_at"] = options.expires_at;
  print_object(options, request_to("POST", "/v1/api-keys", body), exit);
}

void list_keys(const AccessOptions& options, Exit& exit) {
  print_list(options, "/v1/api-keys",
             {"key_id", "name", "prefix", "role", "namespaces", "scopes", "expires_at", "revoked_at"}, exit);
}

void revoke_key(const AccessOptions& options, Exit& exit) {
  const auto answer = call_and_print(
      options.client, request_to("DELETE", "/v1/api-keys/" + tools::encode_component(options.name)), exit);
  if (answer && !options.client.json()) std::cout << "revoked " << options.name << "\n";
}

void list_approvals(const AccessOptions& options, Exit& exit) {
  print_list(options, "/v1/approvals",
             {"approval_id", "state", "action", "target", "reason", "requested_by", "expires_at", "decided_by"}, exit);
}

std::string approval_path(const AccessOptions& options) {
  return "/v1/approvals/" + tools::encode_component(options.name);
}

void show_approval(const AccessOptions& options, Exit& exit) {
  print_object(options, request_to("GET", approval_path(options)), exit);
}

void decide(const AccessOptions& options, const char* action, Exit& exit) {
  Json body = Json::object();
  if (!options.reason.empty()) body["reason"] = options.reason;
  print_object(options, request_to("POST", approval_path(options) + action, body), exit);
}

void approve(const AccessOptions& options, Exit& exit) { decide(options, "/approve", exit); }
void reject(const AccessOptions& options, Exit& exit) { decide(options, "/reject", exit); }

void show_policy(const AccessOptions& options, Exit& exit) {
  print_object(options, request_to("GET", "/v1/policies"), exit);
}

void set_policy(const AccessOptions& options, Exit& exit) {
  auto document = read_document(options.name);
  if (!document) return explain(document.error(), exit);
  print_object(options, request_to("PUT", "/v1/policies", *document), exit);
}

/// A group of verbs that all talk to a server.
class Group {
 public:
  Group(CLI::App& root, const char* name, const char* help, Exit& exit)
      : group_(*root.add_subcommand(name, help)), exit_(exit) {
    group_.require_subcommand(1);
  }

  std::pair<CLI::App*, std::shared_ptr<AccessOptions>> add(const char* name, const char* help, Act act) {
    auto options = std::make_shared<AccessOptions>();
    CLI::App* verb = group_.add_subcommand(name, help);
    add_client_options(*verb, options->client);
    verb->callback([options, act, &exit = exit_] { act(*options, exit); });
    return {verb, options};
  }
  std::pair<CLI::App*, std::shared_ptr<AccessOptions>> add_named(const char* name, const char* help, const char* what,
                                                                 Act act) {
    auto added = add(name, help, act);
    added.first->add_option("name", added.second->name, what)->required();
    return added;
  }
  void add_list(const char* help, Act act, bool has_state) {
    auto [verb, options] = add("list", help, act);
    if (has_state) verb->add_option("--state", options->state, "waiting, approved, done, rejected or expired");
    verb->add_option("--limit", options->limit, "items of one page, 1 to 500")->capture_default_str();
    verb->add_option("--cursor", options->cursor, "where the page before ended");
  }

 private:
  CLI::App& group_;
  Exit& exit_;
};

}  // namespace

void add_access_verbs(CLI::App& root, Exit& exit) {
  Group keys(root, "api-key", "Make, list and revoke API keys", exit);
  {
    auto [verb, options] =
        keys.add_named("create", "Make a key; it is shown this once", "who it is in the audit", create_key);
    verb->add_option("--role", options->role, "viewer, operator, developer or admin")->required();
    verb->add_option("--for-namespace", options->namespaces, "a namespace that it reaches; again for more, * for all");
    verb->add_option("--scope", options->scopes, "verb:NAME or queue:NAME that it is narrowed to; again for more");
    verb->add_option("--expires-at", options->expires_at, "RFC 3339; never otherwise");
  }
  keys.add_list("List keys, revoked ones too", list_keys, false);
  keys.add_named("revoke", "End a key, at once", "its key_id", revoke_key);

  Group approvals(root, "approval", "Requests that wait for a second person", exit);
  approvals.add_list("List requests, newest first", list_approvals, true);
  approvals.add_named("show", "Show one request", "its approval_id", show_approval);
  {
    auto [verb, options] = approvals.add_named("approve", "Agree: the action happens now", "its approval_id", approve);
    verb->add_option("--reason", options->reason, "why");
  }
  {
    auto [verb, options] = approvals.add_named("reject", "Refuse: the action never happens", "its approval_id", reject);
    verb->add_option("--reason", options->reason, "why");
  }

  Group policy(root, "policy", "Which actions need a second person", exit);
  policy.add("show", "Show the rules of the namespace", show_policy);
  policy.add_named("set", "Replace the rules of the namespace", "a file {rules: [...]}, or - for standard input",
                   set_policy);
}

}  // namespace orchestrator::app
