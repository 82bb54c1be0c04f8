// What people see in a terminal: the shipped binary's verbs against its own server, in a pipe and on a pseudo-terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto kEnterScreen = "\x1b[?1049h";
constexpr auto kLeaveScreen = "\x1b[?25h\x1b[?1049l";
constexpr std::chrono::seconds kPatience{20};

/// A verb on a pseudo-terminal of 80 by 24, as if somebody sat before it.
class Terminal {
 public:
  explicit Terminal(const std::string& command) {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = 80;
    process_ = ::forkpty(&master_, nullptr, nullptr, &size);
    if (process_ == 0) {
      ::setenv("TERM", "xterm", 1);
      ::unsetenv("NO_COLOR");
      ::unsetenv("COLUMNS");
      ::execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
      ::_exit(127);
    }
    if (process_ > 0) ::tcgetattr(master_, &before_);
  }
  /// A minimal system may have no pseudo-terminals: then nobody sits there.
  [[nodiscard]] bool is_there() const { return process_ > 0; }
  ~Terminal() {
    if (process_ > 0) ::kill(process_, SIGKILL);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
    ::close(master_);
  }

  /// Everything shown so far, once `text` is in it; after twenty seconds as it is.
  const std::string& until(const std::string& text) {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (shown_.find(text) == std::string::npos && std::chrono::steady_clock::now() < give_up && read_more()) {
    }
    return shown_;
  }
  void type(char key) const { EXPECT_EQ(::write(master_, &key, 1), 1); }
  void send(int signal) const { ::kill(process_, signal); }
  /// The exit code; reads what is still shown.
  int wait() {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < give_up && read_more()) {
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// Whether it is in the state that it was in before the verb began.
  [[nodiscard]] bool is_clean() const {
    termios now{};
    ::tcgetattr(master_, &now);
    return now.c_lflag == before_.c_lflag;
  }
  void forget() { shown_.clear(); }

 private:
  /// False at the end.
  bool read_more() {
    pollfd waiting{.fd = master_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 200) == 0) return true;
    char part[4096];
    const ssize_t size = ::read(master_, part, sizeof part);
    if (size <= 0) return false;
    shown_.append(part, static_cast<std::size_t>(size));
    return true;
  }

  int master_ = -1;
  pid_t process_ = 0;
  termios before_{};
  std::string shown_;
};

class RealTerminal : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
    const Json waits = {{"StartAt", "Wait"},
                        {"States",
                         {{"Wait",
                           {{"Type", "Task"},
                            {"Resource", "signal:paid"},
                            {"Parameters", {{"key", "o-1"}}},
                            {"TimeoutSeconds", 3'600},
                            {"End", true}}}}}};
    ASSERT_EQ(post("/v1/workflows/waits/versions", waits).status, 201);
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {}) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + RealServer::kAdminKey}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    return HttpClient(server_->port()).request(method, target, body, headers);
  }
  static ClientResponse post(const std::string& target, const Json& body) {
    return call("POST", target, dump_json(body));
  }
  static std::string command(const std::string& arguments) {
    return "env ORCHESTRATOR_URL=http://127.0.0.1:" + std::to_string(server_->port()) +
           " ORCHESTRATOR_API_KEY=" + RealServer::kAdminKey + " " + ORC_BINARY + " " + arguments;
  }
  /// In a pipe: what it prints, and its exit code.
  static std::pair<std::string, int> orchestrator(const std::string& arguments) {
    std::FILE* pipe = ::popen((command(arguments) + " 2>&1").c_str(), "r");
    std::string text;
    char part[4096];
    for (std::size_t read = 0; (read = std::fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, read);
    const int status = ::pclose(pipe);
    return {text, WEXITSTATUS(status)};
  }
  static std::string start(const Json& body) {
    const auto answer = post("/v1/runs", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return string_member(answer.json(), "run_id");
  }
  /// Jobs that have failed for good, with this error.
  static std::vector<std::string> dead_letters(int count, const std::string& error) {
    std::vector<std::string> runs;
    for (int i = 0; i < count; ++i) {
      const Json job = {{"handler", "fail"}, {"max_attempts", 1}, {"input", {{"error", error}, {"cause", "said 503"}}}};
      runs.push_back(string_member(post("/v1/jobs", job).json(), "run_id"));
    }
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    Json items;
    do {
      items = call("GET", "/v1/dead-letters?error=" + error + "&limit=500").json().at("items");
      std::this_thread::yield();
    } while (items.size() < runs.size() && std::chrono::steady_clock::now() < give_up);
    EXPECT_EQ(items.size(), runs.size());
    return runs;
  }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealTerminal::server_;

TEST_F(RealTerminal, TopOnceIsOneFrameWithoutAnsi) {
  ASSERT_EQ(post("/v1/queues/top-paused/pause", {{"reason", "test"}}).status, 200);

  const auto [text, code] = orchestrator("top --once --interval 0.3");

  EXPECT_EQ(code, 0) << text;
  EXPECT_THAT(text, AllOf(HasSubstr("runs    "), HasSubstr("/s started"), HasSubstr("NEEDS A PERSON"),
                          HasSubstr("queue top-paused is paused"), HasSubstr("NODE"), HasSubstr("http-test")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(RealTerminal, TopIsOneObjectForPrograms) {
  const auto [text, code] = orchestrator("top -o json --interval 0.3");

  ASSERT_EQ(code, 0) << text;
  const Json top = Json::parse(text, nullptr, false);
  ASSERT_TRUE(top.is_object()) << text;
  EXPECT_TRUE(top.at("rates").at("http_requests").is_number());
  EXPECT_EQ(top.at("nodes")[0].at("node_id"), "http-test");
}

TEST_F(RealTerminal, TopTakesTheScreenAndGivesItBack) {
  Terminal terminal(command("top --interval 0.2"));
  if (!terminal.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
  EXPECT_THAT(terminal.until("http-test"), HasSubstr(kEnterScreen));
  // The second frame has rates.
  EXPECT_THAT(terminal.until("/s started"), HasSubstr("q quits"));

  terminal.type('q');

  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.is_clean());
  EXPECT_THAT(terminal.until(kLeaveScreen), testing::EndsWith(kLeaveScreen));
}

TEST_F(RealTerminal, TopLeavesCleanlyOnCtrlCAndOnSigterm) {
  for (const bool by_key : {true, false}) {
    Terminal terminal(command("top --interval 60"));
    if (!terminal.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
    terminal.until("http-test");

    if (by_key) {
      terminal.type('\x03');
    } else {
      terminal.send(SIGTERM);
    }

    EXPECT_EQ(terminal.wait(), 0);
    EXPECT_TRUE(terminal.is_clean());
    EXPECT_THAT(terminal.until(kLeaveScreen), testing::EndsWith(kLeaveScreen));
  }
}

TEST_F(RealTerminal, TopWithoutAServerSaysSoAndFails) {
  const auto [text, code] = orchestrator("top --once --url http://127.0.0.1:1");

  EXPECT_EQ(code, 1);
  EXPECT_THAT(text, HasSubstr("orchestrator: "));
}

TEST_F(RealTerminal, RunShowFitsTheTerminalAndSaysWhatItWaitsFor) {
  const std::string run = start({{"workflow", "waits"}, {"input", {{"text", std::string(200, 'x')}}}});

  Terminal terminal(command("run show " + run));
  if (!terminal.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
  EXPECT_EQ(terminal.wait(), 0);
  const std::string shown = terminal.until("input");
  const auto [piped, code] = orchestrator("run show " + run);

  Terminal plain("env NO_COLOR=1 " + command("run show " + run));
  if (!plain.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
  EXPECT_EQ(plain.wait(), 0);

  EXPECT_THAT(shown, HasSubstr("\x1b["));
  EXPECT_THAT(plain.until("input"), Not(HasSubstr("\x1b")));
  EXPECT_EQ(code, 0);
  EXPECT_THAT(piped, AllOf(HasSubstr("waits for   signal \"paid\" with key o-1, in Wait, for "),
                           HasSubstr("workflow    waits, version 1"), Not(HasSubstr("\x1b"))));
}

TEST_F(RealTerminal, DeadLettersAreGroupedByWhatWentWrong) {
  const auto runs = dead_letters(3, "Terminal.Grouped");

  const auto [text, code] = orchestrator("dead-letter list --error Terminal.Grouped");
  const auto [job, job_code] = orchestrator("job show " + runs.front());

  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, testing::ContainsRegex("Terminal.Grouped +3 "));
  EXPECT_THAT(text, HasSubstr(runs.front()));
  EXPECT_THAT(job, AllOf(HasSubstr("error       Terminal.Grouped: said 503"), HasSubstr("handler     fail"),
                         HasSubstr("attempts    1 of 1"), HasSubstr("orchestrator dead-letter retry " + runs.front())));
}

TEST_F(RealTerminal, LongOperationsHaveABarOnATerminalOnly) {
  dead_letters(20, "Terminal.Slow");

  Terminal terminal(command("dead-letter discard --all --error Terminal.Slow --rate 20 --reason test"));
  if (!terminal.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
  EXPECT_EQ(terminal.wait(), 0);
  dead_letters(2, "Terminal.Quick");
  const auto [piped, code] = orchestrator("dead-letter discard --all --error Terminal.Quick --reason test");

  EXPECT_THAT(terminal.until("20 of 20 discarded"), AllOf(HasSubstr("discarded [###"), HasSubstr("of 20, ")));
  EXPECT_EQ(code, 0);
  EXPECT_EQ(piped, "2 of 2 discarded\n");
}

TEST_F(RealTerminal, ABulkOperationIsFollowedWithABarAndLeftByCtrlC) {
  for (int i = 0; i < 8; ++i) start({{"workflow", "waits"}, {"attributes", {{"batch", "watched"}}}});
  const std::string begin =
      "operation start pause --filter workflow=waits --filter attribute.batch=watched --reason test";

  Terminal followed(command(begin + " --rate 4 --wait"));
  if (!followed.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
  EXPECT_THAT(followed.until("done: 8 of 8 done"), AllOf(HasSubstr("pause [#"), HasSubstr("of 8")));
  EXPECT_EQ(followed.wait(), 0);

  const auto [begun, code] =
      orchestrator("operation start resume --filter workflow=waits --reason test --rate 1 -o json");
  ASSERT_EQ(code, 0) << begun;
  const std::string id = string_member(*parse_json(begun), "operation_id");
  Terminal left(command("operation watch " + id));
  if (!left.is_there()) GTEST_SKIP() << "this system has no pseudo-terminals; is /dev/pts mounted?";
  left.until("resume [");
  left.send(SIGINT);
  EXPECT_THAT(left.until("goes on"), HasSubstr("operation " + id + " goes on"));
  EXPECT_EQ(left.wait(), 0);
  EXPECT_EQ(call("GET", "/v1/operations/" + id).json().at("state"), "running");
  EXPECT_EQ(call("POST", "/v1/operations/" + id + "/stop").status, 200);
}

TEST_F(RealTerminal, ManyJobsAreEnqueuedInPartsAndRepeatedWithoutHarm) {
  const std::string jobs = R"([{"handler": "noop", "unique": {"key": "terminal-1", "within_seconds": 600}},
                              {"handler": "noop"}, {"handler": "no such name!"}])";

  const auto [text, code] = orchestrator("job enqueue-batch '" + jobs + "'");
  const auto [again, again_code] = orchestrator("job enqueue-batch '" + jobs + "'");
  const auto [empty, empty_code] = orchestrator("job enqueue-batch '[]'");

  EXPECT_EQ(code, 1);
  EXPECT_THAT(text, AllOf(HasSubstr("job 3 was refused: "), HasSubstr("2 enqueued, 1 refused")));
  EXPECT_EQ(again_code, 1);
  EXPECT_THAT(again, HasSubstr("1 enqueued, 1 were there already, 1 refused"));
  EXPECT_EQ(empty_code, 1);
}

TEST_F(RealTerminal, ManyPartsAreAllSent) {
  std::string jobs = "[";
  for (int i = 0; i < 1'201; ++i) jobs += (i == 0 ? "" : ",") + std::string(R"({"handler":"noop"})");

  const auto [text, code] = orchestrator("job enqueue-batch - <<'JOBS'\n" + jobs + "]\nJOBS\n");

  EXPECT_EQ(code, 0) << text;
  EXPECT_THAT(text, HasSubstr("1201 enqueued"));
}

TEST_F(RealTerminal, QueueListCountsARemoteWorkerOnce) {
  ASSERT_EQ(post("/v1/jobs", {{"handler", "terminal.remote"}, {"queue", "remote"}}).status, 201);
  const Json claim = {{"worker_id", "somebody"}, {"max_tasks", 1}, {"wait_seconds", 10}, {"lease_seconds", 60}};
  ASSERT_EQ(post("/v1/queues/remote/claim", claim).json().at("tasks").size(), 1U);

  const Json queues = call("GET", "/v1/queues").json().at("items");
  const auto remote = std::ranges::find_if(queues, [](const Json& queue) { return queue.at("name") == "remote"; });
  const auto [text, code] = orchestrator("top --once --interval 0.3");

  ASSERT_NE(remote, queues.end());
  EXPECT_EQ(remote->at("workers"), Json::array({{{"worker_id", "somebody"}, {"in_flight", 1}}}));
  EXPECT_THAT(text, testing::ContainsRegex("somebody +1 +remote"));
}

TEST_F(RealTerminal, QueueListSaysWhatHoldsAQueueBack) {
  ASSERT_EQ(call("PUT", "/v1/queues/narrow/limits", R"({"max_in_flight": 5, "rate": {"count": 9, "per_seconds": 60}})")
                .status,
            200);
  ASSERT_EQ(post("/v1/queues/narrow/pause", {{"reason", "test"}}).status, 200);
  ASSERT_EQ(post("/v1/jobs", {{"handler", "noop"}, {"queue", "narrow"}}).status, 201);

  const auto [text, code] = orchestrator("queue list");

  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, testing::ContainsRegex("narrow +1 .*paused .*5 in flight, 9 starts per 60 s"));
}

}  // namespace
}  // namespace orchestrator::testing_support
