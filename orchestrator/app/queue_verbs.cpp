#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <memory>
#include <string>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/app/run_tables.hpp"
#include "orchestrator/app/run_words.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

struct QueueOptions {
  ClientOptions client;
  std::string name;
  std::string reason;
  std::int64_t max_in_flight = 0;
  std::int64_t concurrency_per_key = 0;
  std::string rate_per_key;
  std::string rate;
  std::int64_t weight = 0;
};

tools::ClientRequest request_to(const char* method, const QueueOptions& options, const char* action, const Json& body) {
  tools::ClientRequest request;
  request.method = method;
  request.target = "/v1/queues/" + tools::encode_component(options.name) + action;
  request.body = dump_json(body);
  return request;
}

/// COUNT/SECONDS.
Result<Json> read_rate(const std::string& text) {
  std::int64_t count = 0;
  std::int64_t seconds = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, count);
  const bool has_slash = first.ec == std::errc{} && first.ptr != end && *first.ptr == '/';
  const auto second = has_slash ? std::from_chars(first.ptr + 1, end, seconds) : first;
  if (!has_slash || second.ec != std::errc{} || second.ptr != end)
    return fail(ErrorCode::invalid_argument, "a rate is COUNT/SECONDS, as in 10/60, not " + text);
  return Json{{"count", count}, {"per_seconds", seconds}};
}

void print_settings(const QueueOptions& options, tools::ClientRequest request, Exit& exit) {
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (answer && !options.client.json()) print_members(answer->value, std::cout);
}

std::string state_of(const Json& queue, Timestamp now) {
  if (!queue.value("paused", false)) return queue.value("depth", 0.0) > 0 ? "open, work waits" : "open";
  const std::string since = string_member(queue, "paused_at");
  return "paused" + (since.empty() ? "" : " " + relative_to(now, since));
}

void print_queues(const Json& queues) {
  const Page page = page_of_output();
  Table table({"QUEUE", "DEPTH", "OLDEST", "IN FLIGHT", "STARTS/S", "WORKERS", "STATE", "LIMITS"});
  for (const Json& queue : queues) {
    const bool waits = queue.value("depth", 0.0) > 0;
    const Duration oldest(static_cast<std::int64_t>(queue.value("oldest_ready_age_seconds", 0.0) * 1e6));
    table.add({cell(queue, "name"), cell(queue, "depth"), waits ? in_words(oldest) : "-", cell(queue, "in_flight"),
               cell(queue, "rate_per_second"), std::to_string(queue.value("workers", Json::array()).size()),
               Cell(state_of(queue, page.now), queue.value("paused", false) ? Tone::warning : Tone::plain),
               limits_in_words(queue.value("limits", Json()))});
  }
  table.print(std::cout, page);
}

void list(const QueueOptions& options, Exit& exit) {
  tools::ClientRequest request;
  request.target = "/v1/queues";
  const auto answer = call_and_print(options.client, std::move(request), exit);
  if (!answer || options.client.json()) return;
  print_queues(answer->value.value("items", Json::array()));
  for (const Json& node : answer->value.value("missing_nodes", Json::array()))
    std::cerr << "orchestrator: no answer from " << node.get<std::string>() << "; its share is missing here\n";
}

void pause(const QueueOptions& options, Exit& exit) {
  Json body = Json::object();
  if (!options.reason.empty()) body["reason"] = options.reason;
  print_settings(options, request_to("POST", options, "/pause", body), exit);
}

void resume(const QueueOptions& options, Exit& exit) {
  print_settings(options, request_to("POST", options, "/resume", Json::object()), exit);
}

void limits(const QueueOptions& options, Exit& exit) {
  Json body = Json::object();
  if (options.max_in_flight > 0) body["max_in_flight"] = options.max_in_flight;
  if (options.concurrency_per_key > 0) body["concurrency_per_key"] = options.concurrency_per_key;
  if (options.weight > 0) body["weight"] = options.weight;
  for (const auto& [member, text] :
       {std::pair("rate_per_key", options.rate_per_key), std::pair("rate", options.rate)}) {
    if (text.empty()) continue;
    auto rate = read_rate(text);
    if (!rate) return explain(rate.error(), exit);
    body[member] = *std::move(rate);
  }
  print_settings(options, request_to("PUT", options, "/limits", body), exit);
}

}  // namespace

void add_queue_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("queue", "See, pause and limit queues");
  group->require_subcommand(1);
  const auto add = [group, &exit](const char* name, const char* help, void (*act)(const QueueOptions&, Exit&)) {
    auto options = std::make_shared<QueueOptions>();
    CLI::App* verb = group->add_subcommand(name, help);
    add_client_options(*verb, options->client);
    verb->callback([options, act, &exit] { act(*options, exit); });
    return std::pair(verb, options);
  };
  const auto add_named = [&add](const char* name, const char* help, void (*act)(const QueueOptions&, Exit&)) {
    auto added = add(name, help, act);
    added.first->add_option("name", added.second->name, "the queue")->required();
    return added;
  };

  add("list", "List queues with what is in them", list);
  {
    auto [verb, options] = add_named("pause", "Begin nothing more from a queue; what is in hand goes on", pause);
    verb->add_option("--reason", options->reason, "why");
  }
  add_named("resume", "Begin work from a queue again", resume);
  {
    auto [verb, options] = add_named("limits", "Replace a queue's limits; what is not given has no limit", limits);
    verb->add_option("--max-in-flight", options->max_in_flight, "at most so many in hand, over all nodes");
    verb->add_option("--concurrency-per-key", options->concurrency_per_key, "of jobs with one concurrency key");
    verb->add_option("--rate-per-key", options->rate_per_key, "COUNT/SECONDS for jobs with one rate key");
    verb->add_option("--rate", options->rate, "COUNT/SECONDS for the whole queue");
    verb->add_option("--weight", options->weight, "of its share, against the work of others");
  }
}

}  // namespace orchestrator::app
