// The connection itself: limits, deadlines, pipelining, draining.
#include <atomic>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

const std::string kAuthorization = std::string("Bearer ") + kAdminKey;

class HttpConnection : public ApiServer {
 protected:
  void SetUp() override {
    ApiServer::SetUp();
    service_.add_workflow("order");
  }

  void restart_with(const Deadlines& deadlines) {
    ServerOptions options;
    options.deadlines = deadlines;
    start(ApiOptions{}, options);
  }

  void wait_for_connections(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (server_->connection_count() != count && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_EQ(server_->connection_count(), count);
  }
};

TEST_F(HttpConnection, StaysOpenForTheNextRequest) {
  HttpClient client(server_->port());

  EXPECT_EQ(client.request("GET", "/livez").status, 200);
  EXPECT_EQ(client.request("GET", "/livez").status, 200);
  EXPECT_EQ(server_->connection_count(), 1U);
}

TEST_F(HttpConnection, ClosesWhenTheClientAsks) {
  HttpClient client(server_->port());

  const auto response = client.request("GET", "/livez", "", {{"Connection", "close"}});

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(HttpConnection, AnswersPipelinedRequestsInOrder) {
  HttpClient client(server_->port());
  std::string bytes;
  for (int i = 0; i < 20; ++i) {
    bytes += format_request("POST", "/v1/runs", R"({"workflow":"order","key":"k)" + std::to_string(i) + "\"}",
                            {{"Authorization", kAuthorization}});
  }

  client.send(bytes);

  for (int i = 0; i < 20; ++i) {
    const auto response = client.read_response();
    ASSERT_EQ(response.status, 201);
    EXPECT_EQ(response.json().at("key"), "k" + std::to_string(i));
  }
}

TEST_F(HttpConnection, ReadsARequestThatComesByteByByte) {
  HttpClient client(server_->port());

  for (const char byte :
       format_request("POST", "/v1/runs", R"({"workflow":"order"})", {{"Authorization", kAuthorization}})) {
    ASSERT_TRUE(client.send({&byte, 1}));
  }

  EXPECT_EQ(client.read_response().status, 201);
}

TEST_F(HttpConnection, ReadsAChunkedBody) {
  HttpClient client(server_->port());

  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nAuthorization: " + kAuthorization +
              "\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"workflow\"\r\n9\r\n:\"order\"}\r\n0\r\n\r\n");

  EXPECT_EQ(client.read_response().status, 201);
}

TEST_F(HttpConnection, HeadHasTheHeaderOfGetAndNoBody) {
  HttpClient client(server_->port());

  const auto head = client.request("HEAD", "/livez");
  const auto get = client.request("GET", "/livez");

  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), get.header("content-length"));
  EXPECT_EQ(get.body, R"({"status":"live"})");
}

TEST_F(HttpConnection, ExpectContinueIsAnsweredBeforeTheBody) {
  HttpClient client(server_->port());
  const std::string body = R"({"workflow":"order"})";
  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nAuthorization: " + kAuthorization +
              "\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");

  EXPECT_EQ(client.read_response().status, 100);
  client.send(body);

  EXPECT_EQ(client.read_response().status, 201);
}

TEST_F(HttpConnection, ExpectContinueWithoutCredentialIsRefusedAtOnce) {
  HttpClient client(server_->port());

  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n");

  expect_problem(client.read_response(), 401, "unauthenticated");
}

TEST_F(HttpConnection, UnknownExpectationIsRefused) {
  expect_problem(call("GET", "/livez", "", {{"Expect", "miracles"}}), 417, "expectation-failed");
}

TEST_F(HttpConnection, AnnouncedBodyOverTheLimitIsRefusedUnread) {
  HttpClient client(server_->port());

  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nAuthorization: " + kAuthorization +
              "\r\nContent-Length: 1048577\r\n\r\n");

  const auto response = client.read_response();
  expect_problem(response, 413, "payload-too-large");
  EXPECT_EQ(response.header("connection"), "close");
}

TEST_F(HttpConnection, BodyOfExactlyTheLimitIsTaken) {
  const std::string frame = R"({"workflow":"order","input":""})";
  const std::string body = R"({"workflow":"order","input":")" + std::string(kMaxBodyBytes - frame.size(), 'x') + "\"}";
  ASSERT_EQ(body.size(), kMaxBodyBytes);

  EXPECT_EQ(call("POST", "/v1/runs", body).status, 201);
}

TEST_F(HttpConnection, ChunkedBodyOverTheLimitIsCutOff) {
  HttpClient client(server_->port());
  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nAuthorization: " + kAuthorization +
              "\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";

  for (int i = 0; i < 17; ++i) client.send(chunk);

  expect_problem(client.read_response(), 413, "payload-too-large");
}

TEST_F(HttpConnection, BatchesMayBeLarger) {
  const std::string item = R"({"workflow":"order","input":")" + std::string(2048, 'x') + "\"}";
  std::string body = R"({"runs":[)" + item;
  for (int i = 0; i < 999; ++i) body += "," + item;
  body += "]}";

  const auto response = call("POST", "/v1/runs/batch", body);

  ASSERT_EQ(response.status, 201);
  EXPECT_EQ(response.json().at("items").size(), 1000U);
}

TEST_F(HttpConnection, HeaderOverTheLimitIsRefused) {
  expect_problem(call("GET", "/livez", "", {{"X-Long", std::string(40'000, 'x')}}), 431, "header-too-large");
}

TEST_F(HttpConnection, TooManyHeaderFieldsAreRefused) {
  ClientHeaders headers;
  for (int i = 0; i < 120; ++i) headers.emplace_back("X-" + std::to_string(i), "1");

  expect_problem(call("GET", "/livez", "", headers), 431, "header-too-large");
}

TEST_F(HttpConnection, BytesThatAreNoHttpAreRefused) {
  HttpClient client(server_->port());

  client.send("hello there\r\n\r\n");

  expect_problem(client.read_response(), 400, "malformed-request");
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(HttpConnection, RequestWithoutHostIsRefused) {
  HttpClient client(server_->port());

  client.send("GET /livez HTTP/1.1\r\n\r\n");

  expect_problem(client.read_response(), 400, "malformed-request");
}

TEST_F(HttpConnection, LengthAndChunksTogetherAreRefused) {
  HttpClient client(server_->port());

  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

  EXPECT_EQ(client.read_response().status, 400);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(HttpConnection, TargetInAbsoluteFormIsUnderstood) {
  HttpClient client(server_->port());

  client.send("GET http://somewhere.example/livez?x=1 HTTP/1.1\r\nHost: somewhere.example\r\n\r\n");

  EXPECT_EQ(client.read_response().status, 200);
}

TEST_F(HttpConnection, OldHttpVersionIsAnsweredAndClosed) {
  HttpClient client(server_->port());

  client.send("GET /livez HTTP/1.0\r\n\r\n");

  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(HttpConnection, SlowHeaderIsCutOff) {
  Deadlines deadlines;
  deadlines.header = std::chrono::milliseconds(100);
  restart_with(deadlines);
  HttpClient client(server_->port());

  client.send("GET /livez HTTP/1.1\r\nHost:");

  EXPECT_TRUE(client.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, HeaderThatTricklesInIsCutOffAllTheSame) {
  Deadlines deadlines;
  deadlines.header = std::chrono::milliseconds(200);
  restart_with(deadlines);
  HttpClient client(server_->port());
  const auto begun = std::chrono::steady_clock::now();

  // Each byte comes in time for itself; only the whole is late.
  bool open = client.send("GET /livez HTTP/1.1\r\nX: ");
  while (open && std::chrono::steady_clock::now() - begun < std::chrono::seconds(8)) {
    open = client.send("x") && !client.is_closed_within(std::chrono::milliseconds(20));
  }

  EXPECT_FALSE(open);
  wait_for_connections(0);
}

TEST_F(HttpConnection, SlowBodyIsCutOff) {
  Deadlines deadlines;
  deadlines.body = std::chrono::milliseconds(100);
  restart_with(deadlines);
  HttpClient client(server_->port());

  client.send("POST /v1/runs HTTP/1.1\r\nHost: t\r\nAuthorization: " + kAuthorization +
              "\r\nContent-Length: 20\r\n\r\n{\"work");

  EXPECT_TRUE(client.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, IdleConnectionIsClosed) {
  Deadlines deadlines;
  deadlines.idle = std::chrono::milliseconds(100);
  restart_with(deadlines);
  HttpClient client(server_->port());

  EXPECT_EQ(client.request("GET", "/livez").status, 200);

  EXPECT_TRUE(client.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, ClientThatHalfClosesStillGetsItsAnswer) {
  HttpClient client(server_->port());

  client.send(format_request("GET", "/livez", "", {}));
  client.finish_sending();

  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_TRUE(client.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, ClientThatNeverTakesItsAnswerIsCutOff) {
  Deadlines deadlines;
  deadlines.write = std::chrono::milliseconds(200);
  ServerOptions server_options;
  server_options.deadlines = deadlines;
  ApiOptions api_options;
  api_options.metrics_text = [] { return std::string(64 * 1024 * 1024, 'm'); };
  start(std::move(api_options), server_options);
  HttpClient client(server_->port());

  client.send(format_request("GET", "/metrics", "", {}));

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (server_->connection_count() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  wait_for_connections(0);
}

TEST_F(HttpConnection, EngineThatNeverAnswersIsGivenUp) {
  Deadlines deadlines;
  deadlines.answer = std::chrono::milliseconds(100);
  restart_with(deadlines);
  service_.hold_starts();

  const auto response = call("POST", "/v1/runs", R"({"workflow":"order"})");

  expect_problem(response, 503, "unavailable");
  EXPECT_EQ(response.header("retry-after"), "1");
  service_.release_held();
}

TEST_F(HttpConnection, OneMoreThanTheLimitIsRefused) {
  ServerOptions options;
  options.max_connections = 2;
  start(ApiOptions{}, options);
  HttpClient first(server_->port());
  HttpClient second(server_->port());
  EXPECT_EQ(first.request("GET", "/livez").status, 200);
  EXPECT_EQ(second.request("GET", "/livez").status, 200);

  HttpClient third(server_->port());

  expect_problem(third.read_response(), 503, "unavailable");
  EXPECT_TRUE(third.is_closed_by_server());
  EXPECT_EQ(first.request("GET", "/livez").status, 200);
}

TEST_F(HttpConnection, ManyConnectionsAtOnceAreServed) {
  std::atomic<int> served{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([this, &served] {
      HttpClient client(server_->port());
      for (int request = 0; request < 50; ++request) {
        const auto response =
            client.request("POST", "/v1/runs", R"({"workflow":"order"})", {{"Authorization", kAuthorization}});
        if (response.status == 201) ++served;
      }
    });
  }
  for (auto& client : clients) client.join();

  EXPECT_EQ(served, 16 * 50);
}

TEST_F(HttpConnection, DrainClosesIdleConnectionsAndStopsAccepting) {
  HttpClient idle(server_->port());
  EXPECT_EQ(idle.request("GET", "/livez").status, 200);

  server_->drain();

  EXPECT_TRUE(idle.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, DrainFinishesWhatIsInFlight) {
  service_.hold_starts();
  HttpClient busy(server_->port());
  busy.send(format_request("POST", "/v1/runs", R"({"workflow":"order"})", {{"Authorization", kAuthorization}}));
  while (service_.held_count() == 0) std::this_thread::yield();

  server_->drain();
  service_.release_held();

  const auto response = busy.read_response();
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(busy.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, DrainAnswersLongPollsWithWhatTheyHave) {
  HttpClient waiting(server_->port());
  waiting.send(
      format_request("POST", "/v1/runs?wait=60", R"({"workflow":"order"})", {{"Authorization", kAuthorization}}));
  while (service_.waiting_count() == 0) std::this_thread::yield();

  server_->drain();

  const auto response = waiting.read_response();
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.json().at("state"), "ready");
}

TEST_F(HttpConnection, DrainAnswersWhoeverWaitsForAFateWithTheFirstOne) {
  service_.hold_starts();
  HttpClient waiting(server_->port());
  waiting.send(
      format_request("POST", "/v1/signals/paid?wait=60", R"({"key":"k"})", {{"Authorization", kAuthorization}}));
  while (service_.held_count() == 0) std::this_thread::yield();

  server_->drain();

  const auto response = waiting.read_response();
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.json().at("fate"), "buffered");
  service_.release_held();
  wait_for_connections(0);
}

TEST_F(HttpConnection, StopClosesEverybody) {
  service_.hold_starts();
  HttpClient busy(server_->port());
  busy.send(format_request("POST", "/v1/runs", R"({"workflow":"order"})", {{"Authorization", kAuthorization}}));
  while (service_.held_count() == 0) std::this_thread::yield();

  server_->stop();

  EXPECT_TRUE(busy.is_closed_by_server());
  wait_for_connections(0);
}

TEST_F(HttpConnection, PortInUseIsAnError) {
  ServerOptions options;
  options.port = server_->port();
  HttpServer second(*io_, *api_, options);

  const Status listening = second.listen();

  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ErrorCode::unavailable);
}

TEST_F(HttpConnection, AddressThatIsNoneIsAnError) {
  ServerOptions options;
  options.address = "localhost";
  HttpServer second(*io_, *api_, options);

  const Status listening = second.listen();

  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace orchestrator::api
