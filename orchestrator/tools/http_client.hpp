#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace orchestrator::tools {

/// Largest answer that is read: a page of history or the answer to a whole batch.
inline constexpr std::size_t kMaxClientAnswerBytes = 64 * 1'048'576;

/// Which server, and who asks.
struct ServerAccess {
  std::string host = "127.0.0.1";
  std::string port = "8080";
  std::string base_path;       ///< what a proxy puts before /v1; without a slash at the end
  std::string api_key;         ///< sent as a bearer credential unless empty
  std::string namespace_name;  ///< sent as Orchestrator-Namespace unless empty
};

/// invalid_argument unless the URL is `http://host[:port][/path]`. A server behind TLS is reached through its proxy's
/// plain port; these tools do not speak TLS.
Result<ServerAccess> parse_server_url(std::string_view url);

struct ClientRequest {
  std::string method = "GET";
  std::string target;  ///< from /v1 on, with the query, percent-encoded
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::milliseconds timeout{75'000};  ///< longer than the longest long poll
};

struct ClientResponse {
  int status = 0;
  std::string body;
};

/// One keep-alive connection to a server: connects when needed, again after an error. One request at a time. Only on
/// the io_context's thread.
class HttpConnection {
 public:
  HttpConnection(boost::asio::io_context& io, ServerAccess access);
  ~HttpConnection();
  HttpConnection(HttpConnection&&) noexcept;
  HttpConnection& operator=(HttpConnection&&) noexcept;

  /// Any status is an answer. unavailable: no connection, nothing was sent. outcome_unknown: the connection ended after
  /// sending began. deadline_exceeded: no answer in time.
  boost::asio::awaitable<Result<ClientResponse>> send(ClientRequest request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Sends one request over a connection of its own and waits for the answer. Errors as HttpConnection::send.
Result<ClientResponse> send_once(const ServerAccess& access, ClientRequest request);

/// Percent-encodes a path segment or a query value.
std::string encode_component(std::string_view text);

}  // namespace orchestrator::tools
