#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/definition_file.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct WorkflowOptions {
  ClientOptions client;
  std::vector<std::string> files;
  std::string name;
  std::string version;
};

std::string path_of(const WorkflowOptions& options) {
  std::string path = "/v1/workflows/" + tools::encode_component(options.name);
  if (!options.version.empty()) path += "/versions/" + tools::encode_component(options.version);
  return path;
}

void deploy(const WorkflowOptions& options, Exit& exit) {
  Table table({"WORKFLOW", "VERSION", "RESULT", "FILE"});
  for (const std::string& file : options.files) {
    const std::string name = options.name.empty() ? workflow_name_of(file) : options.name;
    auto text = read_text_file(file);
    if (!text) {
      explain(text.error(), exit);
      continue;
    }
    tools::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/workflows/" + tools::encode_component(name) + "/versions";
    request.body = *std::move(text);
    if (is_yaml_name(file)) request.content_type = "application/yaml";
    const auto answer = call_and_print(options.client, std::move(request), exit);
    if (!answer) {
      std::cerr << "  in " << file << "\n";
      continue;
    }
    table.add({name, cell(answer->value, "version"), answer->status == 201 ? "new version" : "unchanged", file});
    const auto warnings = answer->value.find("warnings");
    if (options.client.json() || warnings == answer->value.end()) continue;
    for (const Json& warning : *warnings) {
      std::cerr << file << ": warning: " << (warning.is_string() ? warning.get<std::string>() : dump_json(warning))
                << "\n";
    }
  }
  if (!options.client.json() && !table.empty()) table.print(std::cout);
}

void list(const WorkflowOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = "/v1/workflows";
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer || options.client.json()) return;
  Table table({"WORKFLOW", "NEWEST", "VERSIONS"});
  for (const Json& item : answer->value.value("items", Json::array())) {
    const Json versions = item.value("versions", Json::array());
    const std::string newest = versions.empty() ? "-" : dump_json(*std::ranges::max_element(versions));
    table.add({cell(item, "workflow"), newest, std::to_string(versions.size())});
  }
  table.print(std::cout);
}

void show(const WorkflowOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = path_of(options);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer || options.client.json()) return;
  const auto definition = answer->value.find("definition");
  std::cout << (definition == answer->value.end() ? answer->value : *definition).dump(2) << "\n";
}

void graph(const WorkflowOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = path_of(options) + "/graph";
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer || options.client.json()) return;
  Table table({"FROM", "TO", "KIND", "WHEN"});
  for (const Json& edge : answer->value.value("edges", Json::array())) {
    table.add({cell(edge, "from"), cell(edge, "to"), cell(edge, "kind"), cell(edge, "label")});
  }
  table.print(std::cout);
}

}  // namespace

void add_workflow_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("workflow", "Deploy and read definitions");
  group->require_subcommand(1);
  const auto add = [group, &exit](const char* name, const char* help, void (*act)(const WorkflowOptions&, Exit&)) {
    auto options = std::make_shared<WorkflowOptions>();
    CLI::App* verb = group->add_subcommand(name, help);
    add_client_options(*verb, options->client);
    verb->callback([options, act, &exit] { act(*options, exit); });
    return std::pair(verb, options);
  };

  {
    auto [verb, options] = add("deploy", "Deploy definitions; a changed text becomes a new version", deploy);
    verb->add_option("files", options->files, "NAME.asl.json or NAME.asl.yaml")->required();
    verb->add_option("--name", options->name, "the workflow's name, for one file; else taken from the file's");
  }
  add("list", "List workflows", list);
  {
    auto [verb, options] = add("show", "Print a definition", show);
    verb->add_option("name", options->name, "the workflow")->required();
    verb->add_option("--version", options->version, "without it the newest");
  }
  {
    auto [verb, options] = add("graph", "Print a definition's ways from state to state", graph);
    verb->add_option("name", options->name, "the workflow")->required();
    verb->add_option("--version", options->version, "without it the newest");
  }
}

}  // namespace orchestrator::app
