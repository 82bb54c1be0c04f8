#include <CLI/CLI.hpp>
#include <functional>
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
#include "orchestrator/base/names.hpp"

namespace orchestrator::app {
namespace {

struct ScheduleOptions {
  ClientOptions client;
  std::string name;
  // create
  std::string file;
  bool replace = false;
  std::string cron;
  std::int64_t every_seconds = 0;
  std::vector<std::string> at;
  std::string time_zone;
  std::string workflow;
  std::string handler;
  std::string queue;
  std::string input;
  std::string overlap;
  std::string missed;
  std::int64_t missed_max = 0;
  std::string gap;
  std::string fold;
  std::string calendar;
  std::int64_t jitter_seconds = 0;
  std::string idempotency_key;
  // list and fires
  std::string cursor;
  int limit = 50;
  // preview
  int count = 50;
  std::string after;
  // backfill
  std::string from;
  std::string to;
};

std::string path_of(const ScheduleOptions& options, const std::string& rest = {}) {
  return "/v1/schedules/" + tools::encode_component(options.name) + rest;
}

tools::ClientRequest request_of(const char* method, std::string target) {
  tools::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  return request;
}

/// What the file says, and over it what the options say.
Result<Json> read_body(const ScheduleOptions& options) {
  Json body = Json::object();
  if (!options.file.empty()) {
    auto document = read_document(options.file);
    if (!document) return document.error();
    if (!document->is_object()) return fail(ErrorCode::invalid_argument, options.file + " holds no object");
    body = *std::move(document);
  }
  const auto put = [&](const char* member, const std::string& value) {
    if (!value.empty()) body[member] = value;
  };
  const auto put_json = [&](const char* member, const std::string& text) -> Status {
    if (text.empty()) return {};
    auto value = read_json_argument(text);
    if (!value) return value.error();
    body[member] = *std::move(value);
    return {};
  };
  put("name", options.name);
  put("cron", options.cron);
  if (options.every_seconds != 0) body["every_seconds"] = options.every_seconds;
  if (!options.at.empty()) body["at"] = options.at;
  put("time_zone", options.time_zone);
  put("workflow", options.workflow);
  put("handler", options.handler);
  put("queue", options.queue);
  put("overlap", options.overlap);
  put("missed", options.missed);
  if (options.missed_max != 0) body["missed_max"] = options.missed_max;
  put("gap", options.gap);
  put("fold", options.fold);
  if (options.jitter_seconds != 0) body["jitter_seconds"] = options.jitter_seconds;
  if (const Status read = put_json("input", options.input); !read) return read.error();
  if (options.calendar != "-" && is_valid_name(options.calendar)) {
    body["calendar"] = Json{{"name", options.calendar}};
  } else if (const Status read = put_json("calendar", options.calendar); !read) {
    return read.error();
  }
  return body;
}

/// A flat view: what is null says nothing.
void print_schedule(const Json& schedule) { print_members(schedule, std::cout); }

void create(const ScheduleOptions& options, Exit& exit) {
  auto body = read_body(options);
  if (!body) return explain(body.error(), exit);
  const std::string name = string_member(*body, "name");
  if (options.replace && name.empty()) {
    std::cerr << "orchestrator: a name is needed, as an argument or in the file\n";
    exit.code = ExitCode::wrong_usage;
    return;
  }
  tools::ClientRequest request = options.replace ? request_of("PUT", "/v1/schedules/" + tools::encode_component(name))
                                                 : request_of("POST", "/v1/schedules");
  request.body = dump_json(*body);
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_schedule(answer->value);
}

std::string describe_rule(const Json& schedule) {
  if (const std::string cron = cell(schedule, "cron"); cron != "-") return cron;
  if (const std::string every = cell(schedule, "every_seconds"); every != "-") return "every " + every + " s";
  return "at " + std::to_string(schedule.value("at", Json::array()).size()) + " moments";
}

void print_more(const Json& page) {
  if (const std::string next = cell(page, "next_cursor"); next != "-") std::cout << "\nmore: --cursor " << next << "\n";
}

void list(const ScheduleOptions& options, Exit& exit) {
  const std::string target =
      with_query("/v1/schedules", {{"limit", std::to_string(options.limit)}, {"cursor", options.cursor}});
  const auto answer = call_and_print(options.client, request_of("GET", target), exit);
  if (!answer || options.client.json()) return;
  Table table({"SCHEDULE", "RULE", "ZONE", "STARTS", "OVERLAP", "NEXT", "LAST RUN"});
  for (const Json& schedule : answer->value.value("items", Json::array())) {
    const bool paused = schedule.value("paused", false);
    table.add({cell(schedule, "name"), describe_rule(schedule), cell(schedule, "time_zone"),
               cell(schedule, schedule.value("workflow", Json()).is_null() ? "handler" : "workflow"),
               cell(schedule, "overlap"), paused ? "paused" : cell(schedule, "next_fire_at"),
               cell(schedule, "last_run_id")});
  }
  table.print(std::cout);
  print_more(answer->value);
}

void show(const ScheduleOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_of("GET", path_of(options)), exit);
  if (answer && !options.client.json()) print_schedule(answer->value);
}

void preview(const ScheduleOptions& options, Exit& exit) {
  const std::string target =
      with_query(path_of(options, "/preview"), {{"count", std::to_string(options.count)}, {"after", options.after}});
  const auto answer = call_and_print(options.client, request_of("GET", target), exit);
  if (!answer || options.client.json()) return;
  Table table({"FIRES AT", "ON THE WALL"});
  for (const Json& slot : answer->value.value("items", Json::array())) {
    table.add({cell(slot, "fire_at"), cell(slot, "local")});
  }
  table.print(std::cout);
  const Json holidays = answer->value.value("holidays", Json::array());
  if (holidays.empty()) return;
  std::cout << "\n";
  Table skipped({"HOLIDAY", "ON THE WALL"});
  for (const Json& slot : holidays) skipped.add({cell(slot, "slot"), cell(slot, "local")});
  skipped.print(std::cout);
}

void fires(const ScheduleOptions& options, Exit& exit) {
  const std::string target =
      with_query(path_of(options, "/fires"), {{"limit", std::to_string(options.limit)}, {"cursor", options.cursor}});
  const auto answer = call_and_print(options.client, request_of("GET", target), exit);
  if (!answer || options.client.json()) return;
  Table table({"SLOT", "ORIGIN", "OUTCOME", "REASON", "RUN", "DECIDED"});
  for (const Json& slot : answer->value.value("items", Json::array())) {
    table.add({cell(slot, "slot"), cell(slot, "origin"), cell(slot, "outcome"), cell(slot, "reason"),
               cell(slot, "run_id"), cell(slot, "decided_at")});
  }
  table.print(std::cout);
  print_more(answer->value);
}

void post_and_print(const ScheduleOptions& options, const std::string& action, Exit& exit) {
  tools::ClientRequest request = request_of("POST", path_of(options, action));
  if (!options.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", options.idempotency_key);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void pause(const ScheduleOptions& options, Exit& exit) { post_and_print(options, "/pause", exit); }
void resume(const ScheduleOptions& options, Exit& exit) { post_and_print(options, "/resume", exit); }
void trigger(const ScheduleOptions& options, Exit& exit) { post_and_print(options, "/trigger", exit); }

void backfill(const ScheduleOptions& options, Exit& exit) {
  tools::ClientRequest request = request_of("POST", path_of(options, "/backfill"));
  request.body = dump_json(Json{{"from", options.from}, {"to", options.to}});
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void remove(const ScheduleOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_of("DELETE", path_of(options)), exit);
  if (answer && !options.client.json()) std::cout << "deleted " << options.name << "\n";
}

using Act = void (*)(const ScheduleOptions&, Exit&);

/// A verb of the group with the options that all of them share.
std::pair<CLI::App*, std::shared_ptr<ScheduleOptions>> add(CLI::App& group, Exit& exit, const char* name,
                                                           const char* help, Act act) {
  auto options = std::make_shared<ScheduleOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->callback([options, act, &exit] { act(*options, exit); });
  return {verb, options};
}

/// A verb about one schedule.
std::pair<CLI::App*, std::shared_ptr<ScheduleOptions>> add_one(CLI::App& group, Exit& exit, const char* name,
                                                               const char* help, Act act) {
  auto added = add(group, exit, name, help, act);
  added.first->add_option("name", added.second->name, "the schedule")->required();
  return added;
}

void add_create(CLI::App& group, Exit& exit) {
  auto [verb, options] = add(group, exit, "create", "Create a schedule, from options or a file", create);
  verb->add_option("name", options->name, "its name");
  verb->add_option("-f,--file", options->file, "a JSON or YAML file with the body; options win over it");
  verb->add_flag("--replace", options->replace, "replace the schedule of that name if there is one");
  verb->add_option("--cron", options->cron, "5 fields, or 6 with seconds first; or @hourly and the like");
  verb->add_option("--every-seconds", options->every_seconds, "the same pause between all slots");
  verb->add_option("--at", options->at, "a moment (RFC 3339), may be repeated");
  verb->add_option("--time-zone", options->time_zone, "IANA name, default UTC");
  verb->add_option("--workflow", options->workflow, "what each slot starts");
  verb->add_option("--handler", options->handler, "instead of a workflow: each slot starts a job");
  verb->add_option("--queue", options->queue, "of those jobs");
  verb->add_option("--input", options->input, "JSON, @FILE or - for standard input");
  verb->add_option("--overlap", options->overlap, "skip, queue, cancel or parallel");
  verb->add_option("--missed", options->missed, "skip, latest or all");
  verb->add_option("--missed-max", options->missed_max, "with all: how many of the last ones");
  verb->add_option("--gap", options->gap, "next or skip");
  verb->add_option("--fold", options->fold, "first, second or both");
  verb->add_option("--calendar", options->calendar, "holidays: the name of a calendar; or JSON, @FILE or -");
  verb->add_option("--jitter-seconds", options->jitter_seconds, "slots are spread over this time");
  verb->add_option("--idempotency-key", options->idempotency_key, "the same key creates once");
}

void add_paging(CLI::App& verb, ScheduleOptions& options) {
  verb.add_option("--limit", options.limit, "items per page")->check(CLI::Range(1, 500))->capture_default_str();
  verb.add_option("--cursor", options.cursor, "next_cursor of the page before");
}

}  // namespace

void add_schedule_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("schedule", "Start runs again and again");
  group->require_subcommand(1);
  add_create(*group, exit);
  {
    auto [verb, options] = add(*group, exit, "list", "List schedules, newest first", list);
    add_paging(*verb, *options);
  }
  add_one(*group, exit, "show", "Show one schedule", show);
  {
    auto [verb, options] = add_one(*group, exit, "preview", "Show the next slots", preview);
    verb->add_option("--count", options->count, "how many")->check(CLI::Range(1, 500))->capture_default_str();
    verb->add_option("--after", options->after, "strictly after this moment (RFC 3339), default now");
  }
  {
    auto [verb, options] = add_one(*group, exit, "fires", "Show what became of the slots, latest first", fires);
    add_paging(*verb, *options);
  }
  add_one(*group, exit, "pause", "Let slots pass without starting anything", pause);
  add_one(*group, exit, "resume", "Start again what comes from now on", resume);
  {
    auto [verb, options] = add_one(*group, exit, "trigger", "Start a run now", trigger);
    verb->add_option("--idempotency-key", options->idempotency_key, "the same key starts once");
  }
  {
    auto [verb, options] =
        add_one(*group, exit, "backfill", "Start the past slots of a range that started nothing", backfill);
    verb->add_option("--from", options->from, "inclusive (RFC 3339)")->required();
    verb->add_option("--to", options->to, "exclusive (RFC 3339)")->required();
  }
  add_one(*group, exit, "delete", "Delete a schedule; its runs and slots stay", remove);
}

}  // namespace orchestrator::app
