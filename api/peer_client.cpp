#include "api/peer_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "api/identity.hpp"
#include "api/limits.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// "http://10.0.0.7:8080" as its parts; nothing for anything else. Nodes speak plain HTTP to each other.
struct Authority {
  std::string host;
  std::string port;
};
std::optional<Authority> authority_of(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  url = url.substr(0, url.find('/'));
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos || url.ends_with(']')) return Authority{std::string(url), "80"};
  std::string_view host = url.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Authority{std::string(host), std::string(url.substr(colon + 1))};
}

using Connection = std::unique_ptr<beast::tcp_stream>;
using Clock = std::chrono::steady_clock;

/// Shorter than the server keeps an idle connection (ServerOptions), so that a call rarely meets its end.
constexpr std::chrono::seconds kKeepIdle{30};

struct Idle {
  Connection connection;
  Clock::time_point since;

  /// Whether the other end still holds it: nothing may have come, neither bytes nor the end.
  [[nodiscard]] bool is_usable() const {
    if (Clock::now() - since > kKeepIdle) return false;
    error_code error;
    auto& socket = connection->socket();
    socket.non_blocking(true, error);
    if (error) return false;
    char byte = 0;
    socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
    return error == asio::error::would_block;
  }
};

Error unreachable(const std::string& url, const error_code& error) {
  return {ErrorCode::unavailable, "the node at " + url + " cannot be reached: " + error.message()};
}
Error answer_lost(const std::string& url, const std::string& reason) {
  return {ErrorCode::outcome_unknown, "no answer from the node at " + url + ": " + reason};
}

}  // namespace

struct PeerClient::Core : std::enable_shared_from_this<PeerClient::Core> {
  Core(asio::io_context& io_context, std::string peer_secret, std::chrono::milliseconds call_patience)
      : strand(asio::make_strand(io_context)), secret(std::move(peer_secret)), patience(call_patience) {}

  struct Peer {
    std::vector<Idle> idle;
    std::size_t in_flight = 0;
  };

  /// One for all calls: a kept connection goes from call to call.
  asio::strand<asio::io_context::executor_type> strand;
  const std::string secret;
  const std::chrono::milliseconds patience;
  telemetry::Mutex mutex;
  std::map<std::string, Peer> peers ORC_GUARDED_BY(mutex);

  /// One call from beginning to end; never throws.
  static asio::awaitable<void> run(std::shared_ptr<Core> core, std::string url,
                                   http::request<http::string_body> request, Authority authority, PeerReply reply);

  bool enter(const std::string& url) {
    const telemetry::MutexLock lock(mutex);
    // Nodes come and go under new addresses: what nobody calls any more is closed and forgotten.
    const auto now = Clock::now();
    std::erase_if(peers, [&](const auto& known) {
      const Peer& peer = known.second;
      return peer.in_flight == 0 && (peer.idle.empty() || now - peer.idle.back().since > kKeepIdle);
    });
    Peer& peer = peers[url];
    if (peer.in_flight >= kMaxPeerCalls) return false;
    ++peer.in_flight;
    return true;
  }
  void leave(const std::string& url) {
    const telemetry::MutexLock lock(mutex);
    --peers[url].in_flight;
  }
  Connection take_idle(const std::string& url) {
    const telemetry::MutexLock lock(mutex);
    auto& idle = peers[url].idle;
    while (!idle.empty()) {
      Idle last = std::move(idle.back());
      idle.pop_back();
      if (last.is_usable()) return std::move(last.connection);
    }
    return nullptr;
  }
  void keep(const std::string& url, Connection connection) {
    const telemetry::MutexLock lock(mutex);
    auto& idle = peers[url].idle;
    if (idle.size() < kMaxIdlePeerConnections) idle.push_back({std::move(connection), Clock::now()});
  }

  asio::awaitable<Result<Connection>> connect(std::string url, Authority authority) {
    tcp::resolver resolver(co_await asio::this_coro::executor);
    auto [resolving, endpoints] = co_await resolver.async_resolve(authority.host, authority.port, kAwait);
    if (resolving) co_return unreachable(url, resolving);
    auto connection = std::make_unique<beast::tcp_stream>(co_await asio::this_coro::executor);
    connection->expires_after(std::min<std::chrono::milliseconds>(patience, std::chrono::seconds{2}));
    auto [connecting, endpoint] = co_await connection->async_connect(endpoints, kAwait);
    if (connecting) co_return unreachable(url, connecting);
    error_code ignored;
    connection->socket().set_option(tcp::no_delay(true), ignored);
    co_return connection;
  }

  asio::awaitable<Result<std::string>> perform(std::string url, http::request<http::string_body> request,
                                               Authority authority) {
    Connection connection = take_idle(url);
    if (connection == nullptr) {
      Result<Connection> fresh = co_await connect(url, std::move(authority));
      if (!fresh) co_return fresh.error();
      connection = std::move(*fresh);
    }
    connection->expires_after(patience);
    // From the first byte on, nobody knows how far the other end got.
    auto [writing, written] = co_await http::async_write(*connection, request, kAwait);
    if (writing) co_return answer_lost(url, writing.message());
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxBatchBodyBytes);
    auto [reading, read] = co_await http::async_read(*connection, buffer, parser, kAwait);
    if (reading) co_return answer_lost(url, reading.message());
    connection->expires_never();
    if (parser.get().keep_alive()) keep(url, std::move(connection));
    if (parser.get().result_int() != 200) {
      co_return Error(ErrorCode::unavailable,
                      "the node at " + url + " answered " + std::to_string(parser.get().result_int()));
    }
    co_return std::move(parser.get().body());
  }
};

asio::awaitable<void> PeerClient::Core::run(std::shared_ptr<Core> core, std::string url,
                                            http::request<http::string_body> request, Authority authority,
                                            PeerReply reply) {
  Result<std::string> answer = answer_lost(url, "not asked");
  try {
    answer = co_await core->perform(url, std::move(request), std::move(authority));
  } catch (const std::exception& e) {
    answer = answer_lost(url, e.what());
  }
  core->leave(url);
  reply(std::move(answer));
}

PeerClient::PeerClient(asio::io_context& io, std::string secret, std::chrono::milliseconds patience)
    : core_(std::make_shared<Core>(io, std::move(secret), patience)) {}

PeerClient::~PeerClient() = default;

void PeerClient::call(const std::string& url, const std::string& operation, std::string body, PeerReply reply) {
  const auto authority = authority_of(url);
  if (!authority) {
    reply(fail(ErrorCode::unavailable, "a node's URL must begin with http://, not " + url));
    return;
  }
  if (!core_->enter(url)) {
    reply(fail(ErrorCode::unavailable, "too many calls to the node at " + url + " are in flight"));
    return;
  }
  http::request<http::string_body> request(http::verb::post, std::string(kPeerPath) + operation, 11);
  request.set(http::field::host, authority->host);
  request.set(http::field::content_type, "application/json");
  request.set(kPeerHeader, core_->secret);
  request.body() = std::move(body);
  request.prepare_payload();
  asio::co_spawn(core_->strand, Core::run(core_, url, std::move(request), *authority, std::move(reply)),
                 asio::detached);
}

}  // namespace orchestrator::api
