// Server-sent events over real sockets, before a fake engine: what the text looks like, how a stream ends, who is
// refused.
#include <thread>

#include "api/event_stream.hpp"
#include "orchestrator/model/history_event.hpp"
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

service::RunEventPtr an_event(const std::string& id, EventType type, const std::string& workflow = "order",
                              const std::string& namespace_name = "default") {
  auto event = std::make_shared<service::RunEvent>();
  event->id = id;
  event->namespace_name = namespace_name;
  event->workflow = workflow;
  event->type = type;
  event->state = service::state_told_by(type);
  event->data = R"({"seq":1})";
  return event;
}

class HttpEvents : public ApiServer {
 protected:
  /// Asks for a stream and reads its header.
  void open(HttpClient& client, const std::string& target, ClientHeaders headers = {}) {
    headers.emplace_back("Authorization", std::string("Bearer ") + kAdminKey);
    client.send(format_request("GET", target, "", headers));
    head_ = client.read_until("\r\n\r\n");
  }

  void tell(std::vector<service::RunEventPtr> events, const std::string& place = "2") {
    service_.run_events().tell({.is_gap = false, .events = std::move(events), .place = place});
  }

  void wait_for_followers(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (service_.run_events().follower_count() != count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(service_.run_events().follower_count(), count);
  }

  RunId a_run(RunState state = RunState::waiting) {
    store::RunView view;
    view.header.workflow = "order";
    view.header.namespace_name = "default";
    view.state = state;
    return service_.add_run(view);
  }

  std::string head_;
};

TEST_F(HttpEvents, EventIsIdTypeAndData) {
  HttpClient client(server_->port());
  open(client, "/v1/events");

  tell({an_event("17", EventType::TaskFailed)});

  EXPECT_THAT(head_, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(head_, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(head_, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(client.read_until("}\n\n"),
            ": open\nretry: 1000\n\nid: 1\n\nid: 17\nevent: TaskFailed\ndata: {\"seq\":1}\n\n");
}

TEST_F(HttpEvents, OnlyWhatTheFiltersNameIsTold) {
  HttpClient client(server_->port());
  open(client, "/v1/events?type=ExecutionFailed,TaskStarted&workflow=order&state=failed");

  tell({an_event("1", EventType::TaskStarted), an_event("2", EventType::ExecutionFailed, "other"),
        an_event("3", EventType::ExecutionStarted), an_event("4", EventType::ExecutionFailed)});

  EXPECT_EQ(client.read_until("}\n\n"),
            ": open\nretry: 1000\n\nid: 1\n\nid: 4\nevent: ExecutionFailed\ndata: {\"seq\":1}\n\n");
}

TEST_F(HttpEvents, UnknownFiltersAndIdsAreRefused) {
  expect_problem(call("GET", "/v1/events?type=Nonsense"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/events?state=gone"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/events?color=red"), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/events", "", {{"Last-Event-ID", "nonsense"}}), 400, "invalid-parameter");
  expect_problem(call("GET", "/v1/runs/" + a_run().str() + "/events", "", {{"Last-Event-ID", "x"}}), 400,
                 "invalid-parameter");
  expect_problem(call("GET", "/v1/runs/01890000-0000-7000-8000-000000000000/events"), 404, "not-found");
}

TEST_F(HttpEvents, LastEventIdAndNamespaceReachTheEngine) {
  HttpClient client(server_->port());
  open(client, "/v1/events", {{"Last-Event-ID", "12;15;3.0.1"}, {"Orchestrator-Namespace", "shop"}});

  EXPECT_EQ(service_.run_events().last_interest().after, "12;15;3.0.1");
  EXPECT_EQ(service_.run_events().last_interest().namespace_name, "shop");
}

TEST_F(HttpEvents, WhatWasLostBeforeIsSaid) {
  HttpClient client(server_->port());
  open(client, "/v1/events");

  service_.run_events().tell({.is_gap = true, .events = {an_event("9", EventType::TaskStarted)}, .place = "9"});

  EXPECT_THAT(client.read_until("}\n\n"), EndsWith("event: lost\ndata: {\"reason\":\"behind\",\"count\":null}\n\n"));
}

TEST_F(HttpEvents, ClientThatGoesIsForgotten) {
  auto client = std::make_unique<HttpClient>(server_->port());
  open(*client, "/v1/events");
  wait_for_followers(1);

  client.reset();

  wait_for_followers(0);
}

TEST_F(HttpEvents, QuietStreamIsKeptAliveWithItsPlace) {
  ServerOptions options;
  options.deadlines.heartbeat = std::chrono::milliseconds{20};
  start(ApiOptions{}, options);
  HttpClient client(server_->port());
  open(client, "/v1/events");

  tell({}, "77");

  EXPECT_THAT(client.read_until("id: 77\n\n"), HasSubstr(": alive\n"));
}

TEST_F(HttpEvents, ServerThatEndsEndsTheStreams) {
  HttpClient client(server_->port());
  open(client, "/v1/events");

  server_->drain();

  EXPECT_TRUE(client.is_closed_by_server());
  wait_for_followers(0);
}

TEST_F(HttpEvents, RunIsToldToItsEnd) {
  const RunId run = a_run();
  service_.set_history(run, {{{"seq", 1}, {"type", "ExecutionStarted"}}});
  HttpClient client(server_->port());
  open(client, "/v1/runs/" + run.str() + "/events");
  EXPECT_THAT(client.read_until("}\n\n"), HasSubstr("id: 1\nevent: ExecutionStarted\n"));

  service_.set_history(run, {{{"seq", 1}, {"type", "ExecutionStarted"}}, {{"seq", 2}, {"type", "ExecutionSucceeded"}}});
  service_.close_run(run, RunState::succeeded);
  tell({});

  EXPECT_EQ(client.read_until("}\n\n"),
            "id: 2\nevent: ExecutionSucceeded\ndata: {\"seq\":2,\"type\":\"ExecutionSucceeded\"}\n\n");
  EXPECT_TRUE(client.is_closed_by_server());
  wait_for_followers(0);
}

TEST_F(HttpEvents, RunIsToldFromBehindTheLastEvent) {
  const RunId run = a_run(RunState::succeeded);
  service_.set_history(run, {{{"seq", 1}, {"type", "ExecutionStarted"}}, {{"seq", 2}, {"type", "ExecutionSucceeded"}}});
  HttpClient client(server_->port());

  open(client, "/v1/runs/" + run.str() + "/events", {{"Last-Event-ID", "1"}});

  EXPECT_EQ(
      client.read_until("}\n\n"),
      ": open\nretry: 1000\n\nid: 2\nevent: ExecutionSucceeded\ndata: {\"seq\":2,\"type\":\"ExecutionSucceeded\"}\n\n");
}

TEST_F(HttpEvents, WhoHasAllOfARunThatEndedNeedNotComeBack) {
  const RunId run = a_run(RunState::succeeded);
  service_.set_history(run, {{{"seq", 1}, {"type", "ExecutionStarted"}}, {{"seq", 2}, {"type", "ExecutionSucceeded"}}});

  const auto response = call("GET", "/v1/runs/" + run.str() + "/events", "", {{"Last-Event-ID", "2"}});

  EXPECT_EQ(response.status, 204);
  wait_for_followers(0);
}

TEST_F(HttpEvents, StreamsHaveALimit) {
  std::atomic<std::int64_t> open_ones{0};
  ApiOptions options;
  options.max_event_streams = 2;
  options.on_event_stream = [&](const EventStreamReport& report) { open_ones += report.opened - report.closed; };
  start(std::move(options), ServerOptions{});
  const RunId run = a_run(RunState::succeeded);
  service_.set_history(run, {{{"seq", 1}, {"type", "ExecutionStarted"}}});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server_->port()));
    open(*clients.back(), "/v1/events");
  }

  expect_problem(call("GET", "/v1/events"), 429, "rate-limited");
  expect_problem(call("GET", "/v1/runs/" + run.str() + "/events"), 429, "rate-limited");

  EXPECT_EQ(open_ones, 2);
  clients.clear();
  wait_for_followers(0);
  EXPECT_EQ(open_ones, 0);
}

// ---- the stream itself ---------------------------------------------------------------------------------------------

std::string taken(EventStream& stream) {
  std::string text;
  stream.take(text);
  return text;
}

TEST(EventStream, SlowReaderIsToldHowManyItMissed) {
  std::uint64_t left_out = 0;
  EventStream stream([&](std::uint64_t count) { left_out += count; });
  const std::string data(kMaxStreamedBytes / 2, 'x');

  for (int i = 1; i <= 4; ++i) stream.put(std::to_string(i), "TaskStarted", data);
  const std::string text = taken(stream);
  stream.put("5", "TaskStarted", "y");

  EXPECT_THAT(text, HasSubstr("id: 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("id: 2\n")));
  EXPECT_THAT(text, EndsWith("id: 4\nevent: lost\ndata: {\"reason\":\"slow_reader\",\"count\":3}\n\n"));
  EXPECT_EQ(left_out, 3U);
  EXPECT_EQ(taken(stream), "id: 5\nevent: TaskStarted\ndata: y\n\n");
}

TEST(EventStream, NothingComesAfterTheEnd) {
  EventStream stream(nullptr);

  stream.put("1", "TaskStarted", "{}");
  stream.end();
  stream.put("2", "TaskStarted", "{}");

  std::string text;
  EXPECT_FALSE(stream.take(text));
  EXPECT_EQ(text, "id: 1\nevent: TaskStarted\ndata: {}\n\n");
}

TEST(EventStream, ClosingIsToldOnce) {
  int closed = 0;
  {
    EventStream stream(nullptr);
    stream.when_closed([&] { ++closed; });
    stream.close();
  }

  EXPECT_EQ(closed, 1);
}

}  // namespace
}  // namespace orchestrator::api
