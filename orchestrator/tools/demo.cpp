#include "orchestrator/tools/demo.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/demo_client.hpp"
#include "orchestrator/tools/demo_flows.hpp"
#include "orchestrator/tools/demo_story.hpp"

namespace orchestrator::tools {

namespace {

/// One copy that is to be played.
struct Part {
  const NamedScript* script;
  int copy;
};

std::vector<Part> parts_of(const DemoOptions& options) {
  std::vector<Part> parts;
  for (int copy = 0; copy < options.copies; ++copy) {
    for (const NamedScript& script : demo_scripts()) {
      const bool wanted = options.flows.empty() || std::ranges::find(options.flows, script.flow) != options.flows.end();
      if (wanted) parts.push_back({&script, copy});
    }
  }
  return parts;
}

/// Endpoints for the providers' webhooks. Their secrets stay in the server's environment.
Status make_endpoints(const DemoClient& server) {
  const Json endpoints = {{{"name", "payfast"},
                           {"provider", "payfast"},
                           {"secrets", {"env:ORCHESTRATOR_PAYFAST_PASSPHRASE"}},
                           {"signal", {{"name", "payfast.itn"}, {"key", "$.m_payment_id"}}},
                           // The sandbox calls from loopback, not from the provider's addresses.
                           {"options", {{"allowed_sources", nullptr}}}},
                          {{"name", "phonepe-v2"},
                           {"provider", "phonepe_v2"},
                           {"secrets", {"env:ORCHESTRATOR_PHONEPE_HOOK"}},
                           {"signal", {{"name", "phonepe.callback"}, {"key", "$.payload.merchantOrderId"}}}},
                          {{"name", "phonepe-v1"},
                           {"provider", "phonepe_v1"},
                           {"secrets", {"env:ORCHESTRATOR_PHONEPE_SALT"}},
                           {"signal", {{"name", "phonepe.callback"}, {"key", "$.data.merchantTransactionId"}}}}};
  for (const Json& endpoint : endpoints) {
    const auto made = server.post("/v1/webhook-endpoints", endpoint);
    // A demo before this one made it.
    if (!made && made.error().message.find(": 409 ") == std::string::npos) return made.error();
  }
  return {};
}

/// Starts a run of one of the sample workflows and waits for its output.
Result<Json> run_once(const DemoOptions& options, const std::string& workflow, const std::string& key,
                      const Json& input) {
  DemoStage stage(options, "back-office", 0);
  const std::string run_id = stage.start(workflow, key, input);
  Json output = stage.await_end(run_id);
  if (stage.failed()) return stage.end().status.error();
  return output;
}

void print_stories(const DemoClient& server, const DemoEnd& end) {
  for (const std::string& run_id : end.run_ids) {
    const auto run = server.get("/v1/runs/" + run_id);
    const auto history = server.get("/v1/runs/" + run_id + "/history?limit=500");
    if (run && history) std::printf("%s\n", tell_story(*run, history->value("items", Json::array())).c_str());
  }
}

}  // namespace

Result<std::vector<DemoEnd>> drive(const DemoOptions& options) {
  const DemoClient server(options.server);
  if (const Status made = make_endpoints(server); !made) return made.error();
  const auto seeded = run_once(options, "sample-seed", options.tag + "-seed", demo_seed(options.tag));
  if (!seeded) return seeded.error();

  const std::vector<Part> parts = parts_of(options);
  std::vector<DemoEnd> ends(parts.size());
  std::atomic<std::size_t> next = 0;
  const auto play = [&] {
    for (std::size_t part = next++; part < parts.size(); part = next++) {
      DemoStage stage(options, parts[part].script->flow, parts[part].copy);
      parts[part].script->play(stage);
      ends[part] = stage.end();
    }
  };
  std::vector<std::thread> drivers;
  for (int driver = 0; driver < options.drivers; ++driver) drivers.emplace_back(play);
  for (std::thread& driver : drivers) driver.join();
  return ends;
}

Status check_aftermath(const DemoOptions& options) {
  // A key of its own each time: what was published or audited before says nothing about now.
  const std::string moment = std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  const auto published = run_once(options, "outbox-publish", options.tag + "-publish-" + moment, Json::object());
  if (!published) return published.error();
  if (published->value("failed_count", 0) != 0)
    return fail(ErrorCode::precondition_failed, "events could not be published: " + dump_json(*published));
  const auto effects = DemoClient(options.sandbox).get("/control/effects");
  if (!effects) return effects.error();
  for (const auto& [key, count] : effects->items()) {
    if (count != 1) return fail(ErrorCode::precondition_failed, key + " happened " + dump_json(count) + " times");
  }
  const auto audit = run_once(options, "sample-audit", options.tag + "-audit-" + moment, Json::object());
  if (!audit) return audit.error();
  const Json violations = audit->value("violations", Json());
  if (violations != Json::array())
    return fail(ErrorCode::precondition_failed, "the audit found " + dump_json(violations));
  std::printf("aftermath: %zu outside effects, each exactly once; %s; %s\n", effects->size(), dump_json(*audit).c_str(),
              dump_json(*published).c_str());
  return {};
}

int run_demo(const DemoOptions& options) {
  const auto ends = drive(options);
  if (!ends) {
    std::fprintf(stderr, "demo: %s\n", ends.error().message.c_str());
    return 1;
  }
  int failed = 0;
  for (const DemoEnd& end : *ends) {
    if (options.tell_stories && end.copy == 0) print_stories(DemoClient(options.server), end);
    if (end.status) continue;
    ++failed;
    std::fprintf(stderr, "demo: %s, copy %d: %s\n", end.flow.c_str(), end.copy, end.status.error().message.c_str());
  }
  std::printf("%zu flows played, %d not as expected\n", ends->size(), failed);
  const Status aftermath = check_aftermath(options);
  if (!aftermath) std::fprintf(stderr, "demo: %s\n", aftermath.error().message.c_str());
  return failed == 0 && aftermath ? 0 : 1;
}

}  // namespace orchestrator::tools
