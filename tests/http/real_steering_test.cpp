// What operators do to one run, against the shipped binary: over HTTP and on the command line.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr const char* kShortWait = R"({"StartAt":"Rest","States":{"Rest":{"Type":"Wait","Seconds":1,"Next":"Say"},
  "Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";
constexpr const char* kSignal = R"({"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"signal:paid",
  "Parameters":{"key.$":"$.order"},"ResultPath":"$.paid","Next":"Say"},
  "Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";
constexpr const char* kRemote =
    R"({"StartAt":"Do","States":{"Do":{"Type":"Task","Resource":"handler:elsewhere?queue=far",
  "ResultPath":"$.done","Next":"Say"},"Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";

struct Printed {
  int exit_code = -1;
  std::string text;
};

class RealSteering : public testing::Test {
 protected:
  // One server for all tests, which therefore name their own workflows and keys.
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {}) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + RealServer::kAdminKey}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(server_->port());
    return client.request(method, target, body, headers);
  }
  static ClientResponse get(const std::string& target) { return call("GET", target); }
  static ClientResponse post(const std::string& target, const Json& body) {
    return call("POST", target, dump_json(body));
  }
  static void deploy(const std::string& name, const std::string& definition) {
    const auto answer = call("POST", "/v1/workflows/" + name + "/versions", definition);
    ASSERT_TRUE(answer.status == 200 || answer.status == 201) << answer.body;
  }
  static std::string start(const std::string& workflow, const Json& input = Json::object()) {
    const auto answer = post("/v1/runs", {{"workflow", workflow}, {"input", input}});
    EXPECT_EQ(answer.status, 201) << answer.body;
    return "/v1/runs/" + string_member(answer.json(), "run_id");
  }
  static std::string slug(const ClientResponse& response) { return string_member(response.json(), "type"); }

  template <typename Condition>
  static bool eventually(Condition condition, std::chrono::seconds patience = std::chrono::seconds(10)) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static Json run_in(const std::string& path, const char* state) {
    Json run;
    EXPECT_TRUE(eventually([&] {
      run = get(path).json();
      return run.at("state") == state;
    })) << dump_json(run);
    return run;
  }
  static Json first_of(const std::string& path, const char* type) {
    const Json history = get(path + "/history").json();
    for (const Json& item : history.at("items")) {
      if (item.at("type") == type) return item;
    }
    ADD_FAILURE() << "no " << type << " in " << path;
    return {};
  }
  /// What a remote worker gets at once.
  static Json claimed() {
    return post("/v1/queues/far/claim", {{"worker_id", "far-1"}, {"max_tasks", 10}, {"wait_seconds", 0}})
        .json()
        .at("tasks");
  }

  static Printed command_line(const std::string& arguments) {
    const std::string line = "env -i ORCHESTRATOR_URL=http://127.0.0.1:" + std::to_string(server_->port()) +
                             " ORCHESTRATOR_API_KEY=" + RealServer::kAdminKey + " " + ORC_BINARY + " " + arguments +
                             " -o json 2>&1";
    Printed printed;
    std::FILE* pipe = ::popen(line.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
      printed.text.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    printed.exit_code = WEXITSTATUS(status);
    return printed;
  }
  static std::string id_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealSteering::server_;

TEST_F(RealSteering, APauseOutlivesACrashAndATimerWaitsForTheResume) {
  deploy("short-wait", kShortWait);
  const std::string path = start("short-wait");

  const auto paused = post(path + "/pause", {{"reason", "looking"}});
  ASSERT_EQ(paused.status, 202) << paused.body;
  EXPECT_EQ(paused.json().at("state"), "paused");
  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();
  const Json run = run_in(path, "paused");

  EXPECT_EQ(run.at("waiting_on").at(0).at("kind"), "paused");
  EXPECT_EQ(run.at("waiting_on").at(0).at("reason"), "looking");
  EXPECT_FALSE(string_member(run.at("waiting_on").at(0), "actor").empty());
  const Json listed = get("/v1/runs?state=paused&workflow=short-wait").json().at("items");
  ASSERT_EQ(listed.size(), 1U);
  const Json timer = run.at("waiting_on").at(1);
  EXPECT_EQ(timer.at("kind"), "timer");
  const auto due = parse_rfc3339(string_member(timer, "until"));
  ASSERT_TRUE(due);
  ASSERT_TRUE(eventually([&] { return std::chrono::system_clock::now() > *due; }));
  EXPECT_EQ(get(path).json().at("state"), "paused");
  EXPECT_EQ(post(path + "/resume", Json::object()).status, 202);
  run_in(path, "succeeded");
  EXPECT_EQ(first_of(path, "RunPaused").at("reason"), "looking");
  first_of(path, "RunResumed");
  EXPECT_EQ(slug(post(path + "/pause", Json::object())), "/problems/run-closed");
}

TEST_F(RealSteering, ASignalWaitsForTheResume) {
  deploy("ask-signal", kSignal);
  const std::string path = start("ask-signal", {{"order", "o-1"}});
  run_in(path, "waiting");

  EXPECT_EQ(post(path + "/pause", Json::object()).status, 202);
  const auto sent = post("/v1/signals/paid", {{"key", "o-1"}, {"payload", 42}});
  const std::string signal = "/v1/signals/" + string_member(sent.json(), "signal_id");
  // At first it may meet the wait that the pause is just taking back.
  EXPECT_TRUE(eventually([&] { return get(signal).json().at("fate") == "buffered"; })) << sent.body;
  EXPECT_EQ(get(path).json().at("state"), "paused");
  EXPECT_EQ(post(path + "/resume", Json::object()).status, 202);

  EXPECT_EQ(run_in(path, "succeeded").at("output").at("paid").at("payload"), 42);
  // The signal's shard hears of it after the run's.
  EXPECT_TRUE(eventually([&] { return get(signal).json().at("fate") == "consumed"; }));
}

TEST_F(RealSteering, NothingOfAPausedRunIsHandedOut) {
  deploy("far", kRemote);
  const std::string path = start("far");
  ASSERT_TRUE(eventually([&] { return get(path).json().at("waiting_on").at(0).at("kind") == "worker"; }));

  EXPECT_EQ(post(path + "/pause", Json::object()).status, 202);
  EXPECT_TRUE(claimed().empty());
  EXPECT_EQ(post(path + "/resume", Json::object()).status, 202);
  Json tasks;
  ASSERT_TRUE(eventually([&] { return !(tasks = claimed()).empty(); }));
  EXPECT_EQ(post(path + "/pause", Json::object()).status, 202);
  const std::string token = string_member(tasks.at(0), "task_token");
  EXPECT_EQ(post("/v1/tasks/" + token + "/complete", {{"output", "ok"}}).status, 200);

  const Json held = run_in(path, "paused");
  EXPECT_EQ(held.at("waiting_on").size(), 1U);
  EXPECT_EQ(post(path + "/resume", Json::object()).status, 202);
  EXPECT_EQ(run_in(path, "succeeded").at("output").at("done"), "ok");
}

TEST_F(RealSteering, AJobIsPausedAsARunIs) {
  const auto enqueued = post("/v1/jobs", {{"handler", "far.job"}, {"queue", "far"}});
  const std::string path = "/v1/runs/" + string_member(enqueued.json(), "run_id");

  EXPECT_EQ(post(path + "/pause", {{"reason", "not now"}}).status, 202);
  EXPECT_TRUE(claimed().empty());
  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();
  EXPECT_EQ(run_in(path, "paused").at("waiting_on").at(0).at("reason"), "not now");
  EXPECT_EQ(post(path + "/resume", Json::object()).status, 202);
  Json tasks;
  ASSERT_TRUE(eventually([&] { return !(tasks = claimed()).empty(); }));
  const std::string token = string_member(tasks.at(0), "task_token");
  EXPECT_EQ(post("/v1/tasks/" + token + "/complete", {{"output", 1}}).status, 200);

  run_in(path, "succeeded");
}

TEST_F(RealSteering, ASkippedStepsLateOutcomeIsRefused) {
  deploy("far", kRemote);
  const std::string path = start("far", {{"x", 1}});
  Json tasks;
  ASSERT_TRUE(eventually([&] { return !(tasks = claimed()).empty(); }));
  const std::string token = string_member(tasks.at(0), "task_token");

  EXPECT_EQ(post(path + "/skip", {{"output", "by hand"}}).status, 422);
  const auto skipped = post(path + "/skip", {{"output", "by hand"}, {"reason", "paid at the desk"}});
  ASSERT_EQ(skipped.status, 202) << skipped.body;

  EXPECT_EQ(run_in(path, "succeeded").at("output"), Json({{"x", 1}, {"done", "by hand"}}));
  EXPECT_EQ(slug(post("/v1/tasks/" + token + "/complete", {{"output", "late"}})), "/problems/stale-lease");
  const Json event = first_of(path, "StepSkipped");
  EXPECT_EQ(event.at("reason"), "paid at the desk");
  EXPECT_EQ(event.at("output"), "by hand");
  EXPECT_EQ(event.at("state_name"), "Do");
  EXPECT_EQ(slug(post(path + "/skip", {{"reason", "again"}})), "/problems/run-closed");
}

TEST_F(RealSteering, AnEditReachesTheRunItsRowAndItsLaterSteps) {
  deploy("editable", R"({"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"signal:go","Next":"Try"},
    "Try":{"Type":"Task","Resource":"handler:fail","Parameters":{"error":"Boom","times":1},"Next":"Say"},
    "Say":{"Type":"Task","Resource":"handler:echo","Parameters":{"limit.$":"$limit"},"End":true}}})");
  const std::string path = start("editable");
  run_in(path, "waiting");

  const Json set = {{"attributes", {{"city", "Pune"}}},
                    {"timeout_seconds", 3600},
                    {"variables", {{"limit", 7}}},
                    {"steps", {{"Try", {{"retry", {{"max_attempts", 1}, {"interval_seconds", 0.1}}}}}}}};
  const auto edited = post(path + "/edit", {{"set", set}, {"reason", "mend"}});
  ASSERT_EQ(edited.status, 202) << edited.body;
  EXPECT_EQ(get("/v1/runs?attribute.city=Pune&workflow=editable").json().at("items").size(), 1U);
  EXPECT_EQ(get(path).json().at("attributes").at("city"), "Pune");
  EXPECT_EQ(post(path + "/signals/go", Json::object()).status, 202);

  EXPECT_EQ(run_in(path, "succeeded").at("output").at("limit"), 7);
  EXPECT_EQ(first_of(path, "RunEdited").at("assigned_variables").at("limit"), 7);
}

TEST_F(RealSteering, EveryFaultOfAnEditHasItsPointer) {
  deploy("ask-signal", kSignal);
  const std::string path = start("ask-signal", {{"order", "o-2"}});
  const auto pointers = [&](const Json& set) {
    const auto answer = post(path + "/edit", {{"set", set}, {"reason", "r"}});
    EXPECT_EQ(answer.status, 422) << answer.body;
    std::vector<std::string> found;
    const Json problem = answer.json();
    for (const Json& fault : problem.at("errors")) found.push_back(string_member(fault, "pointer"));
    return found;
  };
  using Pointers = std::vector<std::string>;

  EXPECT_EQ(pointers(Json::object()), Pointers{"/set"});
  EXPECT_EQ(pointers({{"color", "red"}, {"priority", 1}}), Pointers{"/set/color"});
  EXPECT_EQ(pointers({{"attributes", {{"a", Json::array()}}}}), Pointers{"/set/attributes/a"});
  EXPECT_EQ(pointers({{"variables", {{"1st", 1}}}}), Pointers{"/set/variables/1st"});
  EXPECT_EQ(pointers({{"timeout_seconds", 0}}), Pointers{"/set/timeout_seconds"});
  EXPECT_EQ(pointers({{"steps", {{"Nowhere", {{"timeout_seconds", 1}}}}}}), Pointers{"/set/steps/Nowhere"});
  EXPECT_EQ(pointers({{"steps", {{"Say", {{"retry", {{"max_attempts", -1}}}}}}}}),
            Pointers{"/set/steps/Say/retry/max_attempts"});
}

TEST_F(RealSteering, ACancelsReceiptSaysWhatWillHappenAndTheStrongerModeWins) {
  deploy("both", R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
    {"StartAt":"Do","States":{"Do":{"Type":"Task","Resource":"handler:elsewhere?queue=far","End":true}}},
    {"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"signal:paid","Parameters":{"key":"both"},"End":true}}},
    {"StartAt":"Sub","States":{"Sub":{"Type":"Task","Resource":"workflow:waits","End":true}}}]}}})");
  deploy("waits", R"({"StartAt":"Rest","States":{"Rest":{"Type":"Wait","Seconds":3600,"End":true}}})");
  const std::string path = start("both");
  ASSERT_TRUE(eventually([] { return !claimed().empty(); }));

  const auto asked = post(path + "/cancel", {{"reason", "not needed"}});
  ASSERT_EQ(asked.status, 202) << asked.body;
  const Json receipt = asked.json();
  EXPECT_EQ(receipt.at("mode"), "graceful");
  EXPECT_EQ(receipt.at("state"), "running");
  ASSERT_EQ(receipt.at("steps").size(), 1U);
  EXPECT_EQ(receipt.at("steps").at(0).at("worker"), "far-1");
  ASSERT_EQ(receipt.at("waits").size(), 1U);
  EXPECT_EQ(receipt.at("waits").at(0).at("kind"), "signal");
  EXPECT_EQ(receipt.at("children").size(), 1U);
  const auto killed = post(path + "/cancel", {{"mode", "kill"}, {"reason", "now"}});

  EXPECT_EQ(killed.json().at("mode"), "kill");
  run_in(path, "cancelled");
  EXPECT_EQ(slug(post(path + "/cancel", Json::object())), "/problems/run-closed");
}

TEST_F(RealSteering, TheCommandLineDoesItAll) {
  deploy("ask-signal", kSignal);
  const std::string path = start("ask-signal", {{"order", "o-3"}});
  const std::string run = id_of(path);

  const Printed paused = command_line("run pause " + run + " --reason look");
  EXPECT_EQ(paused.exit_code, 0) << paused.text;
  EXPECT_EQ(get(path).json().at("state"), "paused");
  EXPECT_EQ(command_line("run resume " + run).exit_code, 0);
  const Printed edited =
      command_line("run edit " + run + R"( --attributes '{"who":"ann"}' --timeout-seconds 900 --reason mend)");
  EXPECT_EQ(edited.exit_code, 0) << edited.text;
  EXPECT_EQ(command_line("run skip " + run).exit_code, 2);
  const Printed skipped = command_line("run skip " + run + R"( --result '{"by":"hand"}' --reason paid)");
  EXPECT_EQ(skipped.exit_code, 0) << skipped.text;
  const Json done = run_in(path, "succeeded");
  EXPECT_EQ(done.at("output").at("paid"), Json({{"by", "hand"}}));
  EXPECT_EQ(done.at("attributes").at("who"), "ann");
  EXPECT_EQ(command_line("run pause " + run).exit_code, 1);

  deploy("fails-twice", R"({"StartAt":"One","States":{"One":{"Type":"Task","Resource":"handler:echo","Next":"Two"},
    "Two":{"Type":"Task","Resource":"handler:fail","Parameters":{"error":"Boom"},"End":true}}})");
  const std::string failing = start("fails-twice");
  run_in(failing, "failed");
  const Printed retried =
      command_line("run retry " + id_of(failing) + R"( --from-state One --input '{"n":1}' --reason mended)");
  EXPECT_EQ(retried.exit_code, 0) << retried.text;
  run_in(failing, "failed");
  EXPECT_EQ(first_of(failing, "RunRetried").at("from_state"), "One");
}

Json operation(const std::string& path, const ClientResponse& answer) {
  EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
  return answer.json();
}

TEST_F(RealSteering, AnOperationActsOnWhatMatchedAtItsStartAndNothingElse) {
  deploy("bulk", kSignal);
  std::vector<std::string> paths;
  for (int i = 0; i < 30; ++i) paths.push_back(start("bulk", {{"order", "bulk-" + std::to_string(i)}}));
  for (const std::string& path : paths) run_in(path, "waiting");
  const Json filter = {{"workflow", "bulk"}, {"state", Json::array({"waiting", "ready"})}};

  const auto dry =
      post("/v1/operations", {{"action", "pause"}, {"filter", filter}, {"reason", "bank is down"}, {"dry_run", true}});
  ASSERT_EQ(dry.status, 200) << dry.body;
  EXPECT_TRUE(dry.json().at("operation_id").is_null());
  EXPECT_EQ(dry.json().at("matched"), 30);
  EXPECT_EQ(dry.json().at("sample").size(), 10U);
  EXPECT_EQ(get(paths[0]).json().at("state"), "waiting");
  const auto begun = post("/v1/operations", {{"action", "pause"}, {"filter", filter}, {"reason", "bank is down"}});
  ASSERT_EQ(begun.status, 202) << begun.body;
  const std::string later = start("bulk", {{"order", "bulk-later"}});
  const std::string path = "/v1/operations/" + string_member(begun.json(), "operation_id");

  EXPECT_EQ(begun.header("location"), path);
  ASSERT_TRUE(eventually([&] { return operation(path, get(path)).at("state") == "done"; }));
  const Json done = get(path).json();
  EXPECT_EQ(done.at("done"), 30);
  EXPECT_EQ(done.at("failed"), 0);
  EXPECT_EQ(done.at("filter"), filter);
  for (const std::string& one : paths) EXPECT_EQ(get(one).json().at("state"), "paused");
  EXPECT_EQ(first_of(paths[0], "RunPaused").at("reason"), "bank is down");
  run_in(later, "waiting");
  EXPECT_EQ(slug(post(path + "/stop", Json::object())), "/problems/wrong-state");
  EXPECT_EQ(get("/v1/operations").json().at("items").at(0).at("operation_id"), done.at("operation_id"));
}

TEST_F(RealSteering, AnOperationGoesOnAfterACrashAndRetriesEachRunOnce) {
  deploy("bulk-fail", R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
    "Parameters":{"error":"Boom"},"End":true}}})");
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) paths.push_back(start("bulk-fail"));
  for (const std::string& path : paths) run_in(path, "failed");

  const auto begun = post(
      "/v1/operations",
      {{"action", "retry"}, {"filter", {{"workflow", "bulk-fail"}}}, {"reason", "again"}, {"rate_per_second", 20}});
  ASSERT_EQ(begun.status, 202) << begun.body;
  const std::string path = "/v1/operations/" + string_member(begun.json(), "operation_id");
  ASSERT_TRUE(eventually([&] { return get(path).json().at("done") > 0; }));
  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();
  // The holder that died keeps its lease for up to fifteen seconds.
  ASSERT_TRUE(eventually([&] { return get(path).json().at("state") == "done"; }, std::chrono::seconds(40)));

  EXPECT_EQ(get(path).json().at("done"), 40) << get(path).body;
  for (const std::string& one : paths) {
    int retries = 0;
    const Json history = get(one + "/history").json();
    for (const Json& item : history.at("items")) retries += item.at("type") == "RunRetried" ? 1 : 0;
    EXPECT_EQ(retries, 1) << one;
  }
}

TEST_F(RealSteering, AnOperationIsStoppedAndSaysWhatFailed) {
  deploy("bulk-stop", kSignal);
  for (int i = 0; i < 20; ++i) start("bulk-stop", {{"order", "stop-" + std::to_string(i)}});
  const auto slow = post("/v1/operations", {{"action", "cancel"},
                                            {"arguments", {{"mode", "kill"}}},
                                            {"filter", {{"workflow", "bulk-stop"}}},
                                            {"reason", "wrong batch"},
                                            {"rate_per_second", 1}});
  ASSERT_EQ(slow.status, 202) << slow.body;
  const std::string path = "/v1/operations/" + string_member(slow.json(), "operation_id");

  const auto stopped = post(path + "/stop", Json::object());
  EXPECT_EQ(stopped.json().at("state"), "stopped") << stopped.body;
  EXPECT_FALSE(stopped.json().at("stopped_by").is_null());
  EXPECT_FALSE(get("/v1/runs?workflow=bulk-stop&state=waiting,ready").json().at("items").empty());
  deploy("fails-once", R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
    "Parameters":{"error":"Boom"},"End":true}}})");
  run_in(start("fails-once"), "failed");
  const auto unfit = post("/v1/operations", {{"action", "retry"},
                                             {"arguments", {{"from_state", "Nowhere"}}},
                                             {"filter", {{"workflow", "fails-once"}}},
                                             {"reason", "again"}});
  const std::string failing = "/v1/operations/" + string_member(unfit.json(), "operation_id");
  ASSERT_TRUE(eventually([&] { return get(failing).json().at("state") == "done"; }));
  const Json ended = get(failing).json();
  EXPECT_EQ(ended.at("failed"), 1);
  ASSERT_EQ(ended.at("failures").size(), 1U);
  EXPECT_FALSE(string_member(ended.at("failures").at(0), "message").empty());
}

TEST_F(RealSteering, EveryFaultOfAnOperationHasItsPointer) {
  const auto pointers = [&](const Json& body) {
    const auto answer = post("/v1/operations", body);
    EXPECT_EQ(answer.status, 422) << answer.body;
    std::vector<std::string> found;
    const Json problem = answer.json();
    for (const Json& fault : problem.at("errors")) found.push_back(string_member(fault, "pointer"));
    return found;
  };
  const auto with = [](const char* member, const Json& value) {
    Json body = {{"action", "pause"}, {"filter", {{"workflow", "w"}}}, {"reason", "r"}};
    body[member] = value;
    return body;
  };
  using Pointers = std::vector<std::string>;

  EXPECT_EQ(pointers(with("filter", Json::object())), Pointers{"/filter"});
  EXPECT_EQ(pointers(with("filter", {{"color", "red"}})), Pointers{"/filter/color"});
  EXPECT_EQ(pointers(with("filter", {{"limit", 5}})), Pointers{"/filter/limit"});
  EXPECT_EQ(pointers(with("filter", {{"state", Json::array()}})), Pointers{"/filter/state"});
  EXPECT_EQ(pointers(with("filter", {{"state", "asleep"}})), Pointers{"/filter/state"});
  EXPECT_EQ(pointers(with("reason", nullptr)), Pointers{"/reason"});
  EXPECT_EQ(pointers(with("action", "explode")), Pointers{"/action"});
  EXPECT_EQ(pointers(with("arguments", {{"mode", "kill"}})), Pointers{"/arguments/mode"});
  EXPECT_EQ(pointers(with("rate_per_second", 0)), Pointers{"/rate_per_second"});
}

TEST_F(RealSteering, TheCommandLineStartsShowsListsAndStopsOperations) {
  deploy("bulk-cli", kSignal);
  for (int i = 0; i < 5; ++i) run_in(start("bulk-cli", {{"order", "cli-" + std::to_string(i)}}), "waiting");

  const Printed dry = command_line("operation start cancel --filter workflow=bulk-cli --reason tidy --dry-run");
  EXPECT_EQ(dry.exit_code, 0) << dry.text;
  EXPECT_EQ(parse_json(dry.text)->at("matched"), 5) << dry.text;
  const Printed begun = command_line("operation start cancel --filter workflow=bulk-cli --reason tidy --rate 1");
  EXPECT_EQ(begun.exit_code, 0) << begun.text;
  const std::string id = string_member(*parse_json(begun.text), "operation_id");
  const Printed shown = command_line("operation show " + id);
  EXPECT_EQ(parse_json(shown.text)->at("matched"), 5) << shown.text;
  const Printed stopped = command_line("operation stop " + id);
  EXPECT_EQ(parse_json(stopped.text)->at("state"), "stopped") << stopped.text;
  const Printed listed = command_line("operation list --state stopped --limit 1");
  EXPECT_EQ(parse_json(listed.text)->at("items").at(0).at("operation_id"), id) << listed.text;
  const Printed followed = command_line("operation start cancel --filter workflow=bulk-cli --reason tidy --wait");
  EXPECT_EQ(followed.exit_code, 0) << followed.text;
  EXPECT_EQ(parse_json(followed.text)->at("state"), "done") << followed.text;
  const Printed watched = command_line("operation watch " + id);
  EXPECT_EQ(watched.exit_code, 1) << watched.text;  // it was stopped
  EXPECT_EQ(command_line("operation start cancel --filter workflow=bulk-cli").exit_code, 2);
}

}  // namespace
}  // namespace orchestrator::testing_support
