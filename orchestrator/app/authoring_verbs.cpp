#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/authoring.hpp"

namespace orchestrator::app {
namespace {

void print(const Json& value) { std::cout << dump_json(value) << "\n"; }

struct ValidateOptions {
  std::string definition;
  std::vector<std::string> files;
  std::string type = "STANDARD";
};

Result<Json> validate_file(const std::string& path, const std::string& type) {
  const auto text = read_text_file(path);
  if (!text) return text.error();
  return tools::validate_report(*text, is_yaml_name(path), type == "EXPRESS");
}

void validate(const ValidateOptions& options, Exit& exit) {
  if (!options.definition.empty()) {
    // An invalid definition is an answer, too.
    const auto report = validate_file(options.definition, options.type);
    if (!report) return explain(report.error(), exit);
    return print(*report);
  }
  if (options.files.empty()) {
    std::cerr << "orchestrator: name the definitions to validate\n";
    exit.code = ExitCode::wrong_usage;
    return;
  }
  Json files = Json::array();
  for (const std::string& path : options.files) {
    auto report = validate_file(path, options.type);
    if (!report) return explain(report.error(), exit);
    Json entry = *std::move(report);
    entry["file"] = path;
    if (entry.at("valid") != true) exit.code = ExitCode::refused;
    files.push_back(std::move(entry));
  }
  print(Json{{"files", std::move(files)}});
}

Result<std::optional<Json>> read_optional(const std::string& path) {
  if (path.empty()) return std::optional<Json>{};
  auto value = read_document(path);
  if (!value) return std::move(value).error();
  return std::optional<Json>(*std::move(value));
}

struct EvalOptions {
  std::string language = "jsonpath";
  std::string expression;
  std::string input;
};

void evaluate(const EvalOptions& options, Exit& exit) {
  auto input = read_optional(options.input);
  if (!input) return explain(input.error(), exit);
  print(tools::eval_jsonpath(options.expression, *input));
}

}  // namespace

void add_authoring_verbs(CLI::App& root, Exit& exit) {
  {
    auto options = std::make_shared<ValidateOptions>();
    CLI::App* verb = root.add_subcommand("validate", "Check definitions and print what is wrong with them");
    auto* definition = verb->add_option("--definition", options->definition, "one file; the answer is its report");
    verb->add_option("files", options->files, "several files; exit 1 if any is invalid")->excludes(definition);
    verb->add_option("--type", options->type, "STANDARD or EXPRESS")
        ->check(CLI::IsMember({"STANDARD", "EXPRESS"}))
        ->capture_default_str();
    verb->callback([options, &exit] { validate(*options, exit); });
  }
  {
    auto options = std::make_shared<EvalOptions>();
    CLI::App* verb = root.add_subcommand("eval", "Evaluate one expression");
    verb->add_option("--language", options->language, "jsonpath")
        ->check(CLI::IsMember({"jsonpath"}))
        ->capture_default_str();
    verb->add_option("--expression", options->expression, "the expression")->required();
    verb->add_option("--input", options->input, "file with the input; without it the input is undefined");
    verb->callback([options, &exit] { evaluate(*options, exit); });
  }
}

}  // namespace orchestrator::app
