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

struct CalendarOptions {
  ClientOptions client;
  std::string name;
  std::string file;
  std::vector<std::string> dates;
  bool weekends = false;
};

tools::ClientRequest request_to(const char* method, const CalendarOptions& options) {
  tools::ClientRequest request;
  request.method = method;
  request.target = "/v1/calendars/" + tools::encode_component(options.name);
  return request;
}

/// What the file says, with the dates of the command line beside its own.
Result<Json> read_body(const CalendarOptions& options) {
  Json body = Json::object();
  if (!options.file.empty()) {
    auto document = read_document(options.file);
    if (!document) return document.error();
    if (!document->is_object()) return fail(ErrorCode::invalid_argument, options.file + " holds no object");
    body = *std::move(document);
  }
  for (const std::string& date : options.dates) body["dates"].push_back(date);
  if (options.weekends) body["weekends"] = true;
  return body;
}

void put(const CalendarOptions& options, Exit& exit) {
  auto body = read_body(options);
  if (!body) return explain(body.error(), exit);
  tools::ClientRequest request = request_to("PUT", options);
  request.body = dump_json(*body);
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void list(const CalendarOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = "/v1/calendars";
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer || options.client.json()) return;
  Table table({"CALENDAR", "DATES", "WEEKENDS", "CHANGED"});
  for (const Json& calendar : answer->value.value("items", Json::array())) {
    table.add({cell(calendar, "name"), std::to_string(calendar.value("dates", Json::array()).size()),
               cell(calendar, "weekends"), cell(calendar, "changed_at")});
  }
  table.print(std::cout);
}

void show(const CalendarOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_to("GET", options), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

void remove(const CalendarOptions& options, Exit& exit) {
  const auto answer = call_and_print(options.client, request_to("DELETE", options), exit);
  if (answer && !options.client.json()) std::cout << "deleted " << options.name << "\n";
}

}  // namespace

void add_calendar_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("calendar", "Keep days on which schedules start nothing");
  group->require_subcommand(1);
  const auto add = [group, &exit](const char* name, const char* help, void (*act)(const CalendarOptions&, Exit&)) {
    auto options = std::make_shared<CalendarOptions>();
    CLI::App* verb = group->add_subcommand(name, help);
    add_client_options(*verb, options->client);
    verb->callback([options, act, &exit] { act(*options, exit); });
    return std::pair(verb, options);
  };
  const auto add_named = [&add](const char* name, const char* help, void (*act)(const CalendarOptions&, Exit&)) {
    auto added = add(name, help, act);
    added.first->add_option("name", added.second->name, "the calendar")->required();
    return added;
  };

  {
    auto [verb, options] = add_named("put", "Create a calendar, or replace its days", put);
    verb->add_option("-f,--file", options->file, "a JSON or YAML file with `dates` and `weekends`");
    verb->add_option("--date", options->dates, "a day such as 2026-12-25, may be repeated");
    verb->add_flag("--weekends", options->weekends, "Saturdays and Sundays too");
  }
  add("list", "List calendars", list);
  add_named("show", "Show a calendar's days", show);
  add_named("delete", "Delete a calendar that no schedule uses", remove);
}

}  // namespace orchestrator::app
