#include "orchestrator/app/run_watch.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

/// How often the history is asked for what is new. A person watches; a program reads the event stream.
constexpr std::chrono::milliseconds kWatchPoll{200};

struct WatchOptions {
  ClientOptions client;
  std::string run_id;
};

void print_item(const WatchOptions& options, const Json& item) {
  if (options.client.json()) {
    std::cout << dump_json(item) << "\n" << std::flush;
  } else {
    print_history_item(item, std::cout);
  }
}

std::string type_of_end(const std::string& type) {
  for (const char* end : {"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}) {
    if (type == end) return type;
  }
  return {};
}

/// Prints events until one is the end of the run and no other follows it.
void watch(const WatchOptions& options, Exit& exit) {
  ClientOptions quiet = options.client;
  quiet.output = "table";
  const std::string path = "/v1/runs/" + tools::encode_component(options.run_id) + "/history";
  std::string last_seq;
  std::string end;
  for (;;) {
    tools::ClientRequest request;
    request.target = with_query(path, {{"limit", "500"}, {"cursor", last_seq}});
    const auto page = call_and_print(quiet, std::move(request), exit);
    if (!page) return;
    const Json items = page->value.value("items", Json::array());
    for (const Json& item : items) {
      print_item(options, item);
      last_seq = dump_json(item.at("seq"));
      end = type_of_end(string_member(item, "type"));
    }
    if (!items.empty() && end.empty()) continue;
    if (!end.empty() && cell(page->value, "next_cursor") == "-") {
      if (end != "ExecutionSucceeded") exit.code = ExitCode::refused;
      return;
    }
    std::this_thread::sleep_for(kWatchPoll);
  }
}

}  // namespace

void add_run_watch(CLI::App& group, Exit& exit) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* verb = group.add_subcommand("watch", "Tell a run's story as it happens; exit 1 unless it succeeds");
  add_client_options(*verb, options->client);
  verb->add_option("run_id", options->run_id, "the run")->required();
  verb->callback([options, &exit] { watch(*options, exit); });
}

}  // namespace orchestrator::app
