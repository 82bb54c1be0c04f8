#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/api.hpp"
#include "api/server.hpp"
#include "orchestrator/base/json.hpp"
#include "tests/support/fake_service.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::api {

using testing_support::ClientHeaders;
using testing_support::ClientResponse;
using testing_support::format_request;
using testing_support::HttpClient;

inline constexpr const char* kAdminKey = "test-admin-key-0123456789";

/// The real server on a free port, before a fake engine.
class ApiServer : public ::testing::Test {
 protected:
  void SetUp() override { start(ApiOptions{}, ServerOptions{}); }

  void TearDown() override { shut_down(); }

  /// Replaces the server; `admin_key` and `port` are filled in.
  void start(ApiOptions api_options, ServerOptions server_options) {
    shut_down();
    if (api_options.admin_key.empty()) api_options.admin_key = kAdminKey;
    server_options.port = 0;
    io_ = std::make_unique<boost::asio::io_context>();
    api_ = std::make_unique<Api>(service_, std::move(api_options));
    server_ = std::make_unique<HttpServer>(*io_, *api_, server_options);
    const Status listening = server_->listen();
    ASSERT_TRUE(listening) << listening.error().message;
    // Two threads, so that a strand missing somewhere has a chance to show.
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { io_->run(); });
  }

  void shut_down() {
    if (server_ == nullptr) return;
    server_->stop();
    service_.release_held();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    server_.reset();
    api_.reset();
    io_.reset();
  }

  ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {},
                      ClientHeaders headers = {}) {
    headers.emplace_back("Authorization", std::string("Bearer ") + kAdminKey);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    return call_as(method, target, body, headers);
  }

  /// Nothing added: credentials and media type are the test's.
  ClientResponse call_as(const std::string& method, const std::string& target, const std::string& body,
                         const ClientHeaders& headers) {
    HttpClient client(server_->port());
    return client.request(method, target, body, headers);
  }

  /// Checks what every problem has, and its slug.
  static void expect_problem(const ClientResponse& response, int status, const std::string& slug) {
    EXPECT_EQ(response.status, status) << response.body;
    ASSERT_EQ(response.header("content-type"), "application/problem+json") << response.body;
    const Json problem = response.json();
    EXPECT_EQ(problem.at("type"), "/problems/" + slug);
    EXPECT_EQ(problem.at("status"), status);
    EXPECT_TRUE(problem.at("title").is_string());
    EXPECT_TRUE(problem.at("detail").is_string());
  }

  testing_support::FakeService service_;
  std::unique_ptr<boost::asio::io_context> io_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::thread> threads_;
};

}  // namespace orchestrator::api
