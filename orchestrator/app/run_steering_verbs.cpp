// run cancel|retry|edit|pause|resume|skip: what an operator does to one run.
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
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::app {
namespace {

struct SteerOptions {
  ClientOptions client;
  std::string run_id;
  std::string reason;
  // cancel and retry
  std::string mode = "graceful";
  std::string from_state;
  std::string input;
  bool new_idempotency_key = false;
  // skip
  std::string output;
  std::string state_name;
  // edit
  std::string run_at;
  int priority = 0;
  bool priority_given = false;
  std::int64_t timeout_seconds = 0;
  std::string attributes;
  std::string variables;
  std::string steps;
};

void put_text(Json& body, const char* name, const std::string& value) {
  if (!value.empty()) body[name] = value;
}

/// A JSON argument as a member; false when it is none, which has been explained.
bool put_json(Json& body, const char* name, const std::string& argument, Exit& exit) {
  if (argument.empty()) return true;
  auto value = read_json_argument(argument);
  if (!value) {
    explain(value.error(), exit);
    return false;
  }
  body[name] = *std::move(value);
  return true;
}

void post(const SteerOptions& options, const char* verb, const Json& body, Exit& exit) {
  tools::ClientRequest request;
  request.method = "POST";
  request.target = "/v1/runs/" + tools::encode_component(options.run_id) + "/" + verb;
  request.body = dump_json(body);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void cancel(const SteerOptions& options, Exit& exit) {
  Json body = {{"mode", options.mode}};
  put_text(body, "reason", options.reason);
  post(options, "cancel", body, exit);
}

void retry(const SteerOptions& options, Exit& exit) {
  Json body = Json::object();
  put_text(body, "from_state", options.from_state);
  put_text(body, "reason", options.reason);
  if (options.new_idempotency_key) body["new_idempotency_key"] = true;
  if (put_json(body, "input", options.input, exit)) post(options, "retry", body, exit);
}

void pause(const SteerOptions& options, Exit& exit) {
  Json body = Json::object();
  put_text(body, "reason", options.reason);
  post(options, "pause", body, exit);
}

void resume(const SteerOptions& options, Exit& exit) {
  Json body = Json::object();
  put_text(body, "reason", options.reason);
  post(options, "resume", body, exit);
}

void skip(const SteerOptions& options, Exit& exit) {
  Json body = {{"reason", options.reason}};
  put_text(body, "state_name", options.state_name);
  if (put_json(body, "output", options.output, exit)) post(options, "skip", body, exit);
}

void edit(const SteerOptions& options, Exit& exit) {
  Json set = Json::object();
  put_text(set, "run_at", options.run_at == "now" ? to_rfc3339(Timestamp{}) : options.run_at);
  if (options.priority_given) set["priority"] = options.priority;
  if (options.timeout_seconds > 0) set["timeout_seconds"] = options.timeout_seconds;
  const bool good = put_json(set, "attributes", options.attributes, exit) &&
                    put_json(set, "variables", options.variables, exit) && put_json(set, "steps", options.steps, exit);
  if (good) post(options, "edit", {{"set", std::move(set)}, {"reason", options.reason}}, exit);
}

using Act = void (*)(const SteerOptions&, Exit&);

std::pair<CLI::App*, std::shared_ptr<SteerOptions>> add(CLI::App& group, Exit& exit, const char* name, const char* help,
                                                        Act act) {
  auto options = std::make_shared<SteerOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->add_option("run_id", options->run_id, "the run")->required();
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

void add_edit(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "edit", "Change an open run: its moment, urgency, time-outs or data", edit);
  verb->add_option("--run-at", options->run_at, "when what it waits for is due (RFC 3339), or now");
  verb->add_option("--priority", options->priority, "-100 to 100, higher first")
      ->each([options = options.get()](const std::string&) { options->priority_given = true; });
  verb->add_option("--timeout-seconds", options->timeout_seconds, "of the whole run, from its start");
  verb->add_option("--attributes", options->attributes, "attributes to set; null removes: JSON, @FILE or -");
  verb->add_option("--variables", options->variables, "variables to set: JSON, @FILE or -");
  verb->add_option("--steps", options->steps,
                   "by state: {timeout_seconds, heartbeat_seconds, retry} of later attempts: JSON, @FILE or -");
  verb->add_option("--reason", options->reason, "why")->required();
}

}  // namespace

void add_run_steering_verbs(CLI::App& group, Exit& exit) {
  {
    auto [verb, options] = add(group, exit, "cancel", "Ask a run to end", cancel);
    verb->add_option("--mode", options->mode, "graceful, compensate or kill")
        ->check(CLI::IsMember({"graceful", "compensate", "kill"}))
        ->capture_default_str();
    verb->add_option("--reason", options->reason, "why; a kill needs one");
  }
  {
    auto [verb, options] = add(group, exit, "retry", "Revive a run that has failed", retry);
    verb->add_option("--from-state", options->from_state, "without it the state that failed");
    verb->add_option("--input", options->input, "replaces that state's input: JSON, @FILE or -");
    verb->add_flag("--new-idempotency-key", options->new_idempotency_key, "as if it had never been tried");
    verb->add_option("--reason", options->reason, "why");
  }
  {
    auto [verb, options] = add(group, exit, "pause", "Let nothing new begin in a run", pause);
    verb->add_option("--reason", options->reason, "why");
  }
  {
    auto [verb, options] = add(group, exit, "resume", "Let a paused run go on", resume);
    verb->add_option("--reason", options->reason, "why");
  }
  {
    auto [verb, options] = add(group, exit, "skip", "Give the state that a run stands in a result", skip);
    verb->add_option("--result", options->output, "what stands for its result: JSON, @FILE or -");
    verb->add_option("--state", options->state_name, "a state inside a Parallel or Map");
    verb->add_option("--reason", options->reason, "why")->required();
  }
  add_edit(group, exit);
}

}  // namespace orchestrator::app
