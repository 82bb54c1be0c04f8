#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator::handlers {

/// Largest answer body that is read. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxHttpAnswerBytes = 1'048'576;
/// Largest request body that is sent.
inline constexpr std::size_t kMaxHttpRequestBytes = 1'048'576;
/// Largest answer header section that is read.
inline constexpr std::uint32_t kMaxHttpHeaderBytes = 65'536;
inline constexpr std::chrono::milliseconds kHttpConnectTimeout{5'000};
inline constexpr std::chrono::milliseconds kHttpTotalTimeout{15'000};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// One request. Host, Content-Length, Connection and Transfer-Encoding are set here and refused in `headers`.
struct HttpCall {
  std::string method = "GET";  ///< GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS
  std::string url;             ///< absolute, http or https, without user information
  HttpHeaders headers;
  std::string body;
};

/// Certificates of the authorities that https answers must be signed by. Loading takes milliseconds: keep one.
class TlsTrust;
/// @param authorities_file PEM file to trust instead of the system's authorities; empty: the system's.
/// Shared, because handlers are values that are copied.
Result<std::shared_ptr<TlsTrust>> load_tls_trust(const std::string& authorities_file = {});

struct HttpOptions {
  std::chrono::milliseconds connect_timeout = kHttpConnectTimeout;  ///< name look-up, connecting and TLS together
  std::chrono::milliseconds total_timeout = kHttpTotalTimeout;
  std::optional<std::chrono::steady_clock::time_point> deadline;  ///< the earlier of this and total_timeout counts
  const std::atomic<bool>* cancel_requested = nullptr;            ///< looked at every 50 ms
  bool allow_private = false;       ///< lets the call reach loopback and private addresses
  std::shared_ptr<TlsTrust> trust;  ///< null: the system's authorities, loaded for this call
};

/// How a call ended. The names before `answered` mean that nothing was sent.
enum class HttpEnd : std::uint8_t {
  invalid_call,      ///< the call itself is wrong: URL, method, header
  address_refused,   ///< the host has an address that is not public
  connect_failed,    ///< no address, no connection, or no trusted certificate
  timed_out_unsent,  ///< the time ended before anything was sent
  cancelled_unsent,  ///< cancellation was asked for before anything was sent
  answered,          ///< `status`, `headers` and `body` are set
  answer_too_large,  ///< `status` and `headers` are set, the body was longer than allowed
  connection_lost,   ///< the connection ended, or spoke no HTTP, after sending began
  timed_out_sent,    ///< the time ended after sending began
  cancelled_sent,    ///< cancellation was asked for after sending began
};

struct HttpAnswer {
  HttpEnd end = HttpEnd::answered;
  int status = 0;
  HttpHeaders headers;  ///< names in lower case, in the order received
  std::string body;
  std::string problem;  ///< a sentence for people unless `answered`; without the URL's query

  /// The first header of this lower-case name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Sends one request over a connection of its own and waits for the answer, on the calling thread. Follows no
/// redirects. The host is looked up once, every address is checked, and only checked addresses are connected to.
/// Never throws.
HttpAnswer send_http(const HttpCall& call, const HttpOptions& options);

}  // namespace orchestrator::handlers
