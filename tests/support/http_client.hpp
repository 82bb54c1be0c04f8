#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::testing_support {

struct ClientResponse {
  int status = 0;                              ///< 0: the connection ended first
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  [[nodiscard]] Json json() const;
  [[nodiscard]] std::string header(const std::string& lower_name) const;
};

using ClientHeaders = std::vector<std::pair<std::string, std::string>>;

/// One blocking connection over a real socket, with bytes under the test's control: half requests, several at once.
/// Every read gives up after ten seconds.
class HttpClient {
 public:
  explicit HttpClient(unsigned short port);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends bytes as they are. False when the server is gone.
  bool send(std::string_view bytes);
  /// The next response; `without_body` for the answer to a HEAD.
  ClientResponse read_response(bool without_body = false);
  /// One request and its response, Host and Content-Length added.
  ClientResponse request(const std::string& method, const std::string& target, const std::string& body = {},
                         const ClientHeaders& headers = {});
  /// Everything up to and with `end`; less when nothing more comes.
  std::string read_until(std::string_view end);
  /// Whether the server closes the connection within ten seconds.
  bool is_closed_by_server();
  /// Whether it does so within `patience`, when the server has nothing more to say.
  bool is_closed_within(std::chrono::milliseconds patience);
  /// Ends our half only; the server may still answer.
  void finish_sending();

 private:
  bool receive();

  int socket_ = -1;
  std::string buffer_;
};

/// The bytes of one request.
std::string format_request(const std::string& method, const std::string& target, const std::string& body,
                           const ClientHeaders& headers);

}  // namespace orchestrator::testing_support
