#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "api/audit_json.hpp"
#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/setting_flags.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/audit_verification.hpp"

namespace orchestrator::app {
namespace {

struct ListOptions {
  ClientOptions client;
  std::string actor;
  std::string action;
  std::string target;
  std::string chain;
  std::string after;
  std::string before;
  std::string limit = "50";
  std::string cursor;
  bool all_namespaces = false;
};

std::string list_target(const ListOptions& options) {
  return with_query("/v1/audit", {{"actor", options.actor},
                                  {"action", options.action},
                                  {"target", options.target},
                                  {"chain", options.chain},
                                  {"after", options.after},
                                  {"before", options.before},
                                  {"limit", options.limit},
                                  {"cursor", options.cursor},
                                  {"all_namespaces", options.all_namespaces ? "true" : ""}});
}

void list(const ListOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = list_target(options);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer || options.client.json()) return;
  Table table({"AT", "ACTOR", "ROLE", "ACTION", "TARGET", "REASON", "CHAIN", "SEQ"});
  for (const Json& row : answer->value.value("items", Json::array())) {
    table.add({cell(row, "at"), cell(row, "actor"), cell(row, "role"), cell(row, "action"), cell(row, "target"),
               cell(row, "reason"), cell(row, "chain"), cell(row, "seq")});
  }
  table.print(std::cout);
  if (answer->value.contains("next_cursor") && answer->value.at("next_cursor").is_string()) {
    std::cout << "more: --cursor " << answer->value.at("next_cursor").get<std::string>() << "\n";
  }
}

/// Page after page, latest first, one row per line.
void export_pages(ListOptions options, Exit& exit) {
  options.limit = "500";
  for (;;) {
    tools::ClientRequest request;
    request.target = list_target(options);
    const auto answer = call_api(options.client, std::move(request));
    if (!answer) return explain(answer.error(), exit);
    if (!answer->good()) return explain(Error(ErrorCode::invalid_argument, answer->text), exit);
    for (const Json& row : answer->value.value("items", Json::array())) std::cout << dump_json(row) << "\n";
    const auto next = answer->value.find("next_cursor");
    if (next == answer->value.end() || !next->is_string()) return;
    options.cursor = next->get<std::string>();
  }
}

struct VerifyOptions {
  std::shared_ptr<SettingFlags> flags;
  std::string file;
  std::string anchors;
  std::string output = "table";
};

/// What an earlier verification printed with `-o json`.
Result<std::vector<store::AuditHead>> read_anchors(const std::string& path) {
  std::vector<store::AuditHead> heads;
  if (path.empty()) return heads;
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto json = parse_json(text);
  if (!file || !json || !json->is_object() || !json->contains("heads")) {
    return fail(ErrorCode::invalid_argument, path + " is not what `audit verify -o json` wrote");
  }
  for (const Json& item : json->at("heads")) {
    if (!item.is_object()) continue;
    heads.push_back({item.value("chain", store::kClusterChain), item.value("seq", std::int64_t{0}),
                     item.value("hash", std::string{})});
  }
  return heads;
}

/// Chains within an export: in any order, so all of it is read first.
Result<store::postgres::AuditVerdict> verify_file(const std::string& path,
                                                  const std::vector<store::AuditHead>& anchors) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::invalid_argument, "cannot read " + path);
  std::vector<store::AuditRow> rows;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    const auto json = parse_json(line);
    auto row = json ? api::audit_row_from(*json) : Result<store::AuditRow>(json.error());
    if (!row)
      return fail(ErrorCode::invalid_argument, path + ":" + std::to_string(number) + ": " + row.error().message);
    rows.push_back(*std::move(row));
  }
  std::ranges::stable_sort(
      rows, [](const auto& a, const auto& b) { return std::pair(a.chain, a.seq) < std::pair(b.chain, b.seq); });
  store::AuditVerifier verifier;
  for (const auto& anchor : anchors) verifier.expect(anchor);
  for (const auto& row : rows) verifier.take(row);
  return store::postgres::AuditVerdict{verifier.finish(), verifier.heads(), verifier.rows()};
}

Result<store::postgres::AuditVerdict> verify_with(const VerifyOptions& options) {
  const auto anchors = read_anchors(options.anchors);
  if (!anchors) return anchors.error();
  if (!options.file.empty()) return verify_file(options.file, *anchors);
  const auto config = config::read_config(options.flags->sources());
  if (!config) return config.error();
  if (config->database_url.empty()) {
    return fail(ErrorCode::invalid_argument,
                "name the database (ORCHESTRATOR_DATABASE_URL or --database-url), or an export with --file");
  }
  return store::postgres::verify_audit(config->database_url, *anchors);
}

void print(const store::postgres::AuditVerdict& verdict, bool json) {
  if (json) {
    Json breaks = Json::array();
    for (const auto& one : verdict.breaks) {
      breaks.push_back({{"chain", one.chain}, {"seq", one.seq}, {"what", one.what}});
    }
    Json heads = Json::array();
    for (const auto& head : verdict.heads) {
      heads.push_back({{"chain", head.chain}, {"seq", head.seq}, {"hash", head.hash}});
    }
    std::cout << dump_json(Json{{"rows", verdict.rows}, {"broken", breaks}, {"heads", heads}}) << "\n";
    return;
  }
  for (const auto& one : verdict.breaks) {
    std::cout << "chain " << one.chain << ", row " << one.seq << ": " << one.what << "\n";
  }
  if (verdict.breaks.empty()) {
    std::cout << "intact: " << verdict.rows << " rows in " << verdict.heads.size() << " chains\n";
  }
}

/// Exit 1 when any chain is broken.
void verify(const VerifyOptions& options, Exit& exit) {
  const auto verdict = verify_with(options);
  if (!verdict) return explain(verdict.error(), exit);
  print(*verdict, options.output == "json");
  if (!verdict->breaks.empty()) exit.code = ExitCode::refused;
}

void add_filters(CLI::App& verb, ListOptions& options) {
  add_client_options(verb, options.client);
  verb.add_option("--actor", options.actor, "who did it");
  verb.add_option("--action", options.action, "what was done: run.kill, or run. for all of runs");
  verb.add_option("--target", options.target, "to what: a run's id, a queue, a schedule, ...");
  verb.add_option("--chain", options.chain, "one chain: a shard, or -1");
  verb.add_option("--after", options.after, "at or after this moment");
  verb.add_option("--before", options.before, "before this moment");
  verb.add_flag("--all-namespaces", options.all_namespaces, "of every namespace, if the credential reaches all");
}

}  // namespace

void add_audit_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("audit", "See who did what, and check that nobody changed it since");
  group->require_subcommand(1);
  {
    auto options = std::make_shared<ListOptions>();
    CLI::App* verb = group->add_subcommand("list", "List actions, latest first");
    add_filters(*verb, *options);
    verb->add_option("--limit", options->limit, "rows of one page, 1 to 500")->capture_default_str();
    verb->add_option("--cursor", options->cursor, "where the page before ended");
    verb->callback([options, &exit] { list(*options, exit); });
  }
  {
    auto options = std::make_shared<ListOptions>();
    CLI::App* verb = group->add_subcommand("export", "Write every row as a line of JSON to standard output");
    add_filters(*verb, *options);
    verb->callback([options, &exit] { export_pages(*options, exit); });
  }
  {
    auto options = std::make_shared<VerifyOptions>();
    CLI::App* verb = group->add_subcommand("verify", "Recompute every chain; exit 1 and name the first broken row");
    options->flags = add_setting_flags(*verb, {"database_url"});
    verb->add_option("--file", options->file, "an export of all namespaces, instead of the database");
    verb->add_option("--anchors", options->anchors, "what an earlier `audit verify -o json` wrote, kept elsewhere");
    verb->add_option("-o,--output", options->output, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    verb->callback([options, &exit] { verify(*options, exit); });
  }
}

}  // namespace orchestrator::app
