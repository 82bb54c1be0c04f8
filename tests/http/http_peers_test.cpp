// Calls between nodes: over the real server, by the real client.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <future>

#include "api/identity.hpp"
#include "api/peer_client.hpp"
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

constexpr const char* kSecret = "what-only-the-database-knows";

class HttpPeers : public ApiServer {
 protected:
  void SetUp() override {
    ApiOptions options;
    options.peer_secret = kSecret;
    start(std::move(options), ServerOptions{});
    client_thread_ = std::thread([this] { client_io_.run(); });
  }
  void TearDown() override {
    work_.reset();
    client_io_.stop();
    client_thread_.join();
    ApiServer::TearDown();
  }

  Result<std::string> ask(PeerClient& client, const std::string& url, const std::string& operation,
                          const std::string& body) {
    std::promise<Result<std::string>> told;
    client.call(url, operation, body, [&told](Result<std::string> answer) { told.set_value(std::move(answer)); });
    return told.get_future().get();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  boost::asio::io_context client_io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(client_io_);
  std::thread client_thread_;
};

TEST_F(HttpPeers, ACallReachesTheOtherNodeAndItsAnswerComesBack) {
  PeerClient client(client_io_, kSecret, std::chrono::seconds{10});

  for (const std::string body : {"first", "second, over the same connection"}) {
    const auto answer = ask(client, url(), "start_run", body);

    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer, "start_run:" + body);
  }
}

TEST_F(HttpPeers, ForEverybodyElseThereIsNoSuchPath) {
  const std::string path = std::string(kPeerPath) + "start_run";

  expect_problem(call("POST", path, "{}"), 404, "no-such-route");
  expect_problem(call_as("POST", path, "{}", {{std::string(kPeerHeader), "a guess"}}), 404, "no-such-route");
  expect_problem(call_as("POST", path, "{}", {{std::string(kPeerHeader), ""}}), 404, "no-such-route");
}

TEST_F(HttpPeers, AProcessWithoutRoleApiIsThereForProbesAndOtherNodesOnly) {
  ApiOptions options;
  options.peer_secret = kSecret;
  options.serves_callers = false;
  start(std::move(options), ServerOptions{});
  PeerClient client(client_io_, kSecret, std::chrono::seconds{10});

  EXPECT_TRUE(ask(client, url(), "start_run", "{}"));
  EXPECT_EQ(call("GET", "/livez").status, 200);
  EXPECT_EQ(call("GET", "/readyz").status, 200);
  for (const char* path : {"/v1/runs", "/v1/nodes", "/v1/schedules", "/hooks/default/shop", "/"}) {
    expect_problem(call("GET", path), 404, "no-such-route");
    expect_problem(call("POST", path, "{}"), 404, "no-such-route");
  }
}

TEST_F(HttpPeers, ANodeOfAnotherInstallationIsRefused) {
  PeerClient stranger(client_io_, "the secret of another database", std::chrono::seconds{10});

  const auto answer = ask(stranger, url(), "start_run", "{}");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST_F(HttpPeers, ANodeThatIsGoneWasCertainlyNotAsked) {
  PeerClient client(client_io_, kSecret, std::chrono::seconds{10});
  const std::string gone = url();
  ASSERT_TRUE(ask(client, gone, "start_run", "{}"));
  shut_down();

  const auto answer = ask(client, gone, "start_run", "{}");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable) << answer.error().message;
}

TEST_F(HttpPeers, AnAnswerThatNeverComesIsAnUnknownOutcome) {
  PeerClient client(client_io_, kSecret, std::chrono::milliseconds{200});
  // Takes the connection and the request, and says nothing.
  boost::asio::ip::tcp::acceptor silent(client_io_, {boost::asio::ip::address_v4::loopback(), 0});

  const auto answer =
      ask(client, "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()), "start_run", "{}");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::outcome_unknown) << answer.error().message;
}

TEST_F(HttpPeers, AUrlThatIsNoNodesIsRefused) {
  PeerClient client(client_io_, kSecret, std::chrono::seconds{1});

  const auto answer = ask(client, "https://127.0.0.1:1", "start_run", "{}");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace orchestrator::api
