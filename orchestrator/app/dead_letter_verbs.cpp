#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/progress_bar.hpp"
#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/app/run_words.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct DeadLetterOptions {
  ClientOptions client;
  std::vector<std::string> runs;
  bool all = false;
  int rate = 20;
  std::string why;
  std::string input;
  std::string from_state;
  // which
  std::string workflow;
  std::string key;
  std::string error;
  std::string reason;
  std::string query;
  std::string cursor;
  int limit = 50;
};

constexpr const char* kDeadLetters = "/v1/dead-letters";

QueryParameters filter_of(const DeadLetterOptions& options) {
  return {{"workflow", options.workflow},
          {"key", options.key},
          {"error", options.error},
          {"reason", options.reason},
          {"q", options.query}};
}

/// How many have which error, the most frequent first: one cause usually has many of them.
void print_causes(const Json& items, const Page& page) {
  struct Group {
    std::size_t count = 0;
    std::string newest;
  };
  std::map<std::string, Group> groups;
  for (const Json& item : items) {
    const Json error = item.value("error", Json::object());
    Group& group = groups[error.is_object() ? cell(error, "error") : "-"];
    ++group.count;
    group.newest = std::max(group.newest, string_member(item, "failed_at"));
  }
  std::vector<std::pair<std::string, Group>> rows(groups.begin(), groups.end());
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count : a.first < b.first;
  });
  Table table({"ERROR", "COUNT", "LAST"});
  for (const auto& [error, group] : rows) {
    table.add({Cell(error, Tone::bad), std::to_string(group.count), relative_to(page.now, group.newest)});
  }
  table.print(std::cout, page);
  std::cout << "\n";
}

void print_dead_letters(const Json& items) {
  const Page page = page_of_output();
  if (items.empty()) {
    std::cout << "no dead letters\n";
    return;
  }
  print_causes(items, page);
  Table table({"RUN", "WORKFLOW", "KEY", "FAILED", "REASON", "ATTEMPTS", "WORKER", "ERROR"});
  for (const Json& item : items) {
    const std::string failed = string_member(item, "failed_at");
    table.add({cell(item, "run_id"), cell(item, "workflow"), cell(item, "key"),
               page.columns == 0 ? failed : relative_to(page.now, failed), cell(item, "reason"), cell(item, "attempts"),
               cell(item, "worker"), Cell(error_in_words(item), Tone::bad)});
  }
  table.print(std::cout, page);
}

void list(const DeadLetterOptions& options, Exit& exit) {
  const auto page = list_page(options.client, kDeadLetters, filter_of(options), options.limit, options.cursor, exit);
  if (!page || options.client.json()) return;
  print_dead_letters(page->at("items"));
  if (const std::string next = cell(*page, "next_cursor"); next != "-")
    std::cout << "\nmore: --cursor " << next << "\n";
}

/// The ids of every dead letter that the filter names: gathered first, since acting on one takes it off the list.
std::optional<std::vector<std::string>> chosen(const DeadLetterOptions& options, Exit& exit) {
  if (options.all == !options.runs.empty()) {
    std::cerr << "orchestrator: name the runs, or say --all with what they have in common\n";
    exit.code = ExitCode::wrong_usage;
    return std::nullopt;
  }
  if (!options.all) return options.runs;
  std::vector<std::string> runs;
  std::string cursor;
  ClientOptions quiet = options.client;
  quiet.output = "table";
  do {
    QueryParameters of_page = filter_of(options);
    of_page.emplace_back("cursor", cursor);
    of_page.emplace_back("limit", "500");
    tools::ClientRequest request;
    request.target = with_query(kDeadLetters, of_page);
    const auto page = call_and_print(quiet, std::move(request), exit);
    if (!page) return std::nullopt;
    for (const Json& item : page->value.value("items", Json::array())) runs.push_back(string_member(item, "run_id"));
    cursor = string_member(page->value, "next_cursor");
  } while (!cursor.empty());
  return runs;
}

/// Does `verb` to each, at most `rate` a second; what is refused is told and the others go on.
void act(const DeadLetterOptions& options, const char* verb, const Json& body, Exit& exit) {
  const auto runs = chosen(options, exit);
  if (!runs) return;
  const auto begun = std::chrono::steady_clock::now();
  std::size_t done = 0;
  std::size_t refused = 0;
  ProgressBar bar(verb == std::string("retry") ? "retried" : "discarded", runs->size());
  for (const std::string& run : *runs) {
    std::this_thread::sleep_until(begun + std::chrono::microseconds(1'000'000 * (done + refused) / options.rate));
    tools::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/dead-letters/" + tools::encode_component(run) + "/" + verb;
    request.body = dump_json(body);
    Exit one;
    auto answer = call_api(options.client, std::move(request));
    if (!answer || !answer->good() || options.client.json()) bar.make_room();
    if (print_answer(options.client, std::move(answer), one)) {
      ++done;
    } else {
      ++refused;
      exit.code = one.code;
    }
    bar.show(done, refused);
  }
  bar.end();
  if (!options.client.json()) {
    std::cout << done << " of " << runs->size() << (verb == std::string("retry") ? " retried" : " discarded") << "\n";
  }
}

void retry(const DeadLetterOptions& options, Exit& exit) {
  Json body = {{"reason", options.why}};
  if (!options.from_state.empty()) body["from_state"] = options.from_state;
  if (!options.input.empty()) {
    auto input = read_json_argument(options.input);
    if (!input) return explain(input.error(), exit);
    body["input"] = *std::move(input);
  }
  act(options, "retry", body, exit);
}

void discard(const DeadLetterOptions& options, Exit& exit) { act(options, "discard", {{"reason", options.why}}, exit); }

using Act = void (*)(const DeadLetterOptions&, Exit&);

std::pair<CLI::App*, std::shared_ptr<DeadLetterOptions>> add(CLI::App& group, Exit& exit, const char* name,
                                                             const char* help, Act action) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* verb = group.add_subcommand(name, help);
  add_client_options(*verb, options->client);
  verb->add_option("--workflow", options->workflow, "of this workflow or handler");
  verb->add_option("--key", options->key, "with this key");
  verb->add_option("--error", options->error, "that failed with this error");
  verb->add_option("--reason-is", options->reason, "exhausted, permanent, poison or rejected")
      ->check(CLI::IsMember({"exhausted", "permanent", "poison", "rejected"}));
  verb->add_option("-q,--query", options->query, "search text");
  verb->callback([options, action, &exit] { action(*options, exit); });
  return {verb, options};
}

void add_choice(CLI::App& verb, DeadLetterOptions& options) {
  verb.add_option("run_id", options.runs, "the runs");
  verb.add_flag("--all", options.all, "every dead letter that the other options name, instead of RUN_ID");
  verb.add_option("--rate", options.rate, "at most so many a second")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
}

}  // namespace

void add_dead_letter_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("dead-letter", "Failed runs that wait for somebody");
  group->require_subcommand(1);
  {
    auto [verb, options] = add(*group, exit, "list", "List dead letters, newest first", list);
    verb->add_option("--limit", options->limit, "per page")->check(CLI::Range(1, 500))->capture_default_str();
    verb->add_option("--cursor", options->cursor, "next_cursor of the page before");
  }
  {
    auto [verb, options] = add(*group, exit, "retry", "Revive them where they failed", retry);
    add_choice(*verb, *options);
    verb->add_option("--from-state", options->from_state, "without it the state that failed");
    verb->add_option("--input", options->input, "replaces that state's input: JSON, @FILE or -");
    verb->add_option("--reason", options->why, "why; goes into the history");
  }
  {
    auto [verb, options] = add(*group, exit, "discard", "Give them up; they stay failed", discard);
    add_choice(*verb, *options);
    verb->add_option("--reason", options->why, "why")->required();
  }
}

}  // namespace orchestrator::app
