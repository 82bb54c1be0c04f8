#include "orchestrator/tools/demo_stage.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

namespace orchestrator::tools {

namespace {

constexpr std::chrono::milliseconds kFirstLook{20};
constexpr std::chrono::milliseconds kLongestLook{500};

bool is_over(const Json& run) {
  const std::string state = string_member(run, "state");
  return state == "succeeded" || state == "failed" || state == "cancelled" || state == "timed_out";
}

/// Why a run is not where it should be, for the failure's sentence.
std::string where_it_is(const Json& run) {
  Json shown = {{"state", run.value("state", Json())}, {"waiting_on", run.value("waiting_on", Json())}};
  if (is_over(run)) shown.update({{"error", run.value("error", Json())}, {"output", run.value("output", Json())}});
  return dump_json(shown);
}

}  // namespace

DemoStage::DemoStage(const DemoOptions& options, std::string flow, int copy)
    : options_(options), server_(options.server), sandbox_(options.sandbox), flow_(std::move(flow)), copy_(copy) {}

std::string DemoStage::name(const std::string& what) const {
  return options_.tag + "-" + flow_ + "-" + std::to_string(copy_) + "-" + what;
}

void DemoStage::note(Error error) {
  if (status_) status_ = std::move(error);
}

/// Looks again and again, more and more slowly, until `found` answers something.
template <typename Found>
Json DemoStage::poll(const std::string& what, Found found) {
  const auto give_up_at = std::chrono::steady_clock::now() + options_.patience;
  auto gap = kFirstLook;
  while (!failed()) {
    if (std::optional<Json> answer = found()) return std::move(*answer);
    if (std::chrono::steady_clock::now() > give_up_at) {
      note(Error(ErrorCode::deadline_exceeded, "waited in vain for " + what));
      break;
    }
    std::this_thread::sleep_for(gap);
    gap = std::min(2 * gap, kLongestLook);
  }
  return {};
}

Json DemoStage::run(const std::string& run_id) {
  auto run = server_.get("/v1/runs/" + run_id);
  if (run) return std::move(*run);
  note(std::move(run).error());
  return Json::object();
}

std::string DemoStage::start(const std::string& workflow, const std::string& key, Json input) {
  if (failed()) return {};
  const Json body = {{"workflow", workflow},
                     {"key", key},
                     {"input", std::move(input)},
                     {"on_conflict", "return_existing"},
                     {"on_closed", "return_existing"}};
  const auto answer = server_.post("/v1/runs", body, workflow + "/" + key);
  if (!answer) {
    note(answer.error());
    return {};
  }
  run_ids_.push_back(string_member(*answer, "run_id"));
  return run_ids_.back();
}

void DemoStage::await_wait(const std::string& run_id, const std::string& signal) {
  poll("run " + run_id + " to wait for " + signal, [&]() -> std::optional<Json> {
    const Json now = run(run_id);
    for (const Json& item : now.value("waiting_on", Json::array())) {
      const Json names = item.value("names", Json::array());
      if (std::ranges::find(names, Json(signal)) != names.end()) return Json(true);
    }
    if (is_over(now))
      note(Error(ErrorCode::conflict, run_id + " never waited for " + signal + ": " + where_it_is(now)));
    return std::nullopt;
  });
}

std::string DemoStage::await_child(const std::string& run_id, const std::string& workflow) {
  const Json child = poll("run " + run_id + " to start " + workflow, [&]() -> std::optional<Json> {
    const Json now = run(run_id);
    for (const Json& item : now.value("waiting_on", Json::array())) {
      if (string_member(item, "workflow") == workflow && item["run_id"].is_string()) return item["run_id"];
    }
    if (is_over(now)) note(Error(ErrorCode::conflict, run_id + " has no " + workflow + ": " + where_it_is(now)));
    return std::nullopt;
  });
  if (!child.is_string()) return {};
  run_ids_.push_back(child.get<std::string>());
  return run_ids_.back();
}

Json DemoStage::await_result(const std::string& run_id, const std::string& state) {
  return poll("state " + state + " of run " + run_id, [&]() -> std::optional<Json> {
    const auto history = server_.get("/v1/runs/" + run_id + "/history?limit=500");
    if (!history) {
      note(history.error());
      return std::nullopt;
    }
    for (const Json& item : history->value("items", Json::array())) {
      const std::string type = string_member(item, "type");
      if (type == "TaskStateExited" && string_member(item, "state_name") == state) return item.value("output", Json());
    }
    return std::nullopt;
  });
}

Json DemoStage::await_end(const std::string& run_id) {
  const Json last = poll("the end of run " + run_id, [&]() -> std::optional<Json> {
    Json now = run(run_id);
    return is_over(now) ? std::optional(std::move(now)) : std::nullopt;
  });
  if (failed()) return {};
  if (string_member(last, "state") != "succeeded")
    note(Error(ErrorCode::conflict, run_id + " ended as " + where_it_is(last)));
  return last.value("output", Json());
}

void DemoStage::signal(const std::string& name, const std::string& key, const Json& payload) {
  if (failed()) return;
  // The id makes a repeat after a lost answer harmless; what a script sends twice on purpose differs in its payload.
  const Json body = {{"key", key}, {"payload", payload}, {"id", name + "/" + key + "/" + dump_json(payload)}};
  const auto sent = server_.post("/v1/signals/" + encode_component(name), body);
  if (!sent) note(sent.error());
}

void DemoStage::expect(const std::string& what, const Json& actual, const Json& expected) {
  if (actual == expected) return;
  note(Error(ErrorCode::conflict, what + " is " + dump_json(actual) + " instead of " + dump_json(expected)));
}

Json DemoStage::sandbox(const std::string& target, const Json& body) {
  if (failed()) return {};
  auto answer = sandbox_.post(target, body);
  if (answer) return std::move(*answer);
  note(std::move(answer).error());
  return {};
}

void DemoStage::post_form(const std::string& target, const std::string& form) {
  if (failed()) return;
  const auto answer = sandbox_.post_form(target, form);
  if (!answer) note(answer.error());
}

void DemoStage::fault(const std::string& operation, const std::string& kind, const std::string& key) {
  if (!options_.faults) return;
  sandbox("/control/script", {{"operation", operation}, {"fault", kind}, {"key", key}});
}

DemoEnd DemoStage::end() const { return {.flow = flow_, .copy = copy_, .status = status_, .run_ids = run_ids_}; }

}  // namespace orchestrator::tools
