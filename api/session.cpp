#include "api/session.hpp"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <ctime>
#include <optional>

#include "api/message.hpp"

namespace orchestrator::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);

/// Asked from the kernel at once: most requests fit.
constexpr std::size_t kReadBytes = 16 * 1024;
/// What a connection may hold unparsed: a header and the beginning of what was pipelined behind it.
constexpr std::size_t kMaxBufferBytes = 2 * kMaxHeaderBytes + kReadBytes;

using Parser = http::request_parser<http::string_body>;

/// Where the one answer to a request is left; shared by the session and the handler's callback.
struct Exchange {
  std::atomic<bool> taken{false};  ///< the first answer has come; later ones are dropped
  std::atomic<bool> ready{false};  ///< `response` may be read
  Response response;
};

std::string peer_text(const asio::ip::tcp::socket& socket) {
  error_code ignored;
  auto address = socket.remote_endpoint(ignored).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address.to_string();
}

/// `Date` as RFC 9110 wants it.
std::string http_date(std::time_t now) {
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

/// Takes scheme and authority off a target in absolute form, and cuts off the query. False when no path is left.
bool split_target(std::string_view target, Request& request) {
  if (!target.starts_with('/')) {
    const auto scheme = target.find("://");
    if (scheme == std::string_view::npos) return false;
    const auto path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? std::string_view{"/"} : target.substr(path);
    if (!target.starts_with('/')) return false;
  }
  const auto question = target.find('?');
  request.path = std::string{target.substr(0, question)};
  if (question != std::string_view::npos) request.query = std::string{target.substr(question + 1)};
  return true;
}

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(asio::ip::tcp::socket socket, std::shared_ptr<SessionHost> host)
      : peer_(peer_text(socket)), host_(std::move(host)), stream_(std::move(socket)), wake_(stream_.get_executor()) {
    buffer_.max_size(kMaxBufferBytes);
  }

  void start() override {
    asio::co_spawn(stream_.get_executor(), run(shared_from_this()),
                   [self = shared_from_this()](const std::exception_ptr& /*escaped*/) {
                     // Only memory exhaustion can escape; the connection is all that it may cost.
                     self->close();
                     self->host_->ended(self.get());
                   });
  }

  void drain() override {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      if (self->idle_) self->close();
    });
  }

  void stop() override {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      self->stopped_ = true;
      self->wake_.cancel();
      self->close();
    });
  }

 private:
  /// What follows one request.
  enum class Next : std::uint8_t { another, close, linger };

  static asio::awaitable<void> run(std::shared_ptr<HttpSession> self) {
    Next next = Next::another;
    while (next == Next::another && !self->stopped_) next = co_await self->serve_one();
    if (next == Next::linger) co_await self->linger();
  }

  asio::awaitable<Next> serve_one() {
    if (buffer_.size() == 0 && !co_await await_first_bytes()) co_return Next::close;

    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);  // the limit depends on the route, which the header names
    stream_.expires_after(host_->deadlines().header);
    const auto [header_error, header_size] = co_await http::async_read_header(stream_, buffer_, parser, kUseTuple);
    if (header_error) co_return co_await answer_broken_header(header_error);

    const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
    Request request = head_of(parser.get());
    const int fault = header_fault(parser.get(), request);
    Admission admission;
    if (fault != 0) {
      admission.refused = true;
      admission.refusal = host_->handler().refuse(fault, request.path);
    } else {
      admission = host_->handler().admit(request);
      if (!admission.refused && parser.content_length().value_or(0) > admission.body_limit) {
        admission.refused = true;
        admission.refusal = host_->handler().refuse(413, request.path);
      }
    }
    const bool is_head = request.method == "HEAD";
    const bool keep_alive = parser.keep_alive() && parser.get().version() >= 11;
    if (admission.refused) {
      // The rest of the request is not read, so nothing can follow it on this connection.
      const bool reusable = fault == 0 && !has_body && keep_alive;
      const bool sent = co_await send(std::move(admission.refusal), reusable, is_head);
      co_return after(sent, reusable, has_body || fault != 0);
    }

    if (has_body) {
      parser.body_limit(admission.body_limit);
      const error_code body_error = co_await read_body(parser, request);
      if (body_error == http::error::body_limit) {
        const bool sent = co_await send(host_->handler().refuse(413, request.path), false, is_head);
        co_return after(sent, false, true);
      }
      if (body_error) co_return co_await answer_broken_body(body_error, request.path);
      request.body = std::move(parser.get().body());
    }

    auto exchange = std::make_shared<Exchange>();
    std::string path = request.path;
    host_->handler().handle(std::move(request), answer_into(exchange));
    co_await wait_for(exchange);
    if (stopped_) {
      if (exchange->ready.load(std::memory_order_acquire) && exchange->response.on_unsent)
        exchange->response.on_unsent();
      co_return Next::close;
    }
    Response response = exchange->ready.load(std::memory_order_acquire) ? std::move(exchange->response)
                                                                        : host_->handler().refuse(503, path);
    if (response.stream != nullptr) co_return co_await send_stream(std::move(response), is_head);
    const auto on_unsent = std::move(response.on_unsent);
    const bool sent = !(on_unsent && is_client_gone()) && co_await send(std::move(response), keep_alive, is_head);
    if (!sent && on_unsent) on_unsent();
    co_return after(sent, keep_alive, false);
  }

  /// Whether the other end has closed, or reset, the connection while we worked.
  bool is_client_gone() {
    if (buffer_.size() > 0) return false;  // its next request is here already
    char byte = 0;
    const auto size = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }

  /// False when the connection ended, or should because the server does, before a request began.
  asio::awaitable<bool> await_first_bytes() {
    if (host_->is_draining()) co_return false;
    idle_ = true;
    stream_.expires_after(host_->deadlines().idle);
    const auto target = buffer_.prepare(kReadBytes);
    const auto [error, size] = co_await stream_.async_read_some(target, kUseTuple);
    idle_ = false;
    if (error) co_return false;
    buffer_.commit(size);
    co_return true;
  }

  // Both live in the frame of the caller, which awaits this at once.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  asio::awaitable<error_code> read_body(Parser& parser, const Request& request) {
    stream_.expires_after(host_->deadlines().body);
    if (equals_ignoring_case(request.headers.value("Expect"), "100-continue") && !parser.is_done()) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      const auto interim = asio::buffer(kContinue.data(), kContinue.size());
      const auto [error, size] = co_await asio::async_write(stream_, interim, kUseTuple);
      if (error) co_return error;
    }
    const auto [error, size] = co_await http::async_read(stream_, buffer_, parser, kUseTuple);
    co_return error;
  }

  /// The callback may come from any thread, even before the handler returns, or never.
  Answer answer_into(const std::shared_ptr<Exchange>& exchange) {
    // Weak: whoever keeps a callback too long must not keep a closed connection, nor outlive the io_context with it.
    return [weak = weak_from_this(), exchange](Response response) {
      const auto self = weak.lock();
      if (self == nullptr || exchange->taken.exchange(true)) {
        if (response.on_unsent) response.on_unsent();
        return;
      }
      exchange->response = std::move(response);
      exchange->ready.store(true, std::memory_order_release);
      asio::post(self->stream_.get_executor(), [self, exchange] {
        // A late wake-up must not disturb the wait of a later request.
        if (self->awaited_ == exchange.get()) self->wake_.cancel();
      });
    };
  }

  asio::awaitable<void> wait_for(std::shared_ptr<Exchange> exchange) {
    if (stopped_ || exchange->ready.load(std::memory_order_acquire)) co_return;
    awaited_ = exchange.get();
    wake_.expires_after(host_->deadlines().answer);
    co_await wake_.async_wait(kUseTuple);
    awaited_ = nullptr;
    // After the deadline a late answer must find the slot taken, or it would write while we read.
    if (!exchange->ready.load(std::memory_order_acquire) && exchange->taken.exchange(true)) {
      while (!exchange->ready.load(std::memory_order_acquire)) {
      }
    }
  }

  asio::awaitable<bool> send(Response response, bool keep_alive, bool is_head) {
    const bool closing = !keep_alive || host_->is_draining();
    const std::string head = head_text(response, closing);
    stream_.expires_after(host_->deadlines().write);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head),
                                                  is_head ? asio::const_buffer{} : asio::buffer(response.body)};
    const auto [error, size] = co_await asio::async_write(stream_, parts, kUseTuple);
    co_return !error;
  }

  /// Sends what the stream has, until it ends, the client goes, or we stop. Nothing follows it on this connection.
  asio::awaitable<Next> send_stream(Response response, bool is_head) {
    const std::shared_ptr<BodyStream> stream = std::move(response.stream);
    std::string text = head_text(response, true, true);
    bool goes_on = !is_head;
    if (goes_on) {
      stream->begin([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        asio::post(self->stream_.get_executor(), [self] {
          self->has_news_ = true;
          self->wake_.cancel();
        });
      });
      watch_client();
    }
    bool sent = true;
    while (sent && !stopped_ && !is_gone_) {
      if (!text.empty()) {
        stream_.expires_after(host_->deadlines().write);
        const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(text), kUseTuple);
        sent = !error;
        text.clear();
      }
      if (!goes_on || !sent || stopped_ || is_gone_) break;
      has_news_ = false;
      goes_on = stream->take(text);
      if (!text.empty() || !goes_on) continue;
      wake_.expires_after(host_->deadlines().heartbeat);
      co_await wake_.async_wait(kUseTuple);
      if (!has_news_ && !stopped_ && !is_gone_) text = stream->heartbeat();
    }
    stream->close();
    // A client that still sends would lose the end of what it was sent to a reset.
    co_return sent && !stopped_ && !is_gone_ ? Next::linger : Next::close;
  }

  /// Notices that the client ends the connection while we only write.
  void watch_client() {
    stream_.socket().async_wait(asio::ip::tcp::socket::wait_read, [weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (self == nullptr || error || !self->is_client_gone()) return;
      self->is_gone_ = true;
      self->wake_.cancel();
    });
  }

  std::string head_text(const Response& response, bool closing, bool is_stream = false) {
    std::string head;
    head.reserve(256);
    head += "HTTP/1.1 ";
    head += std::to_string(response.status);
    head += ' ';
    head += reason_phrase(response.status);
    head += "\r\nDate: ";
    head += date();
    for (const auto& [name, value] : response.headers) append_field(head, name, value);
    if (!response.content_type.empty()) append_field(head, "Content-Type", response.content_type);
    // Neither has a body (RFC 9110, 8.6).
    if (response.status != 204 && response.status != 304 && !is_stream) {
      append_field(head, "Content-Length", std::to_string(response.body.size()));
    }
    if (closing) append_field(head, "Connection", "close");
    head += "\r\n\r\n";
    return head;
  }

  static void append_field(std::string& head, std::string_view name, std::string_view value) {
    head += "\r\n";
    head += name;
    head += ": ";
    // A line break in a value would let its author write fields of his own.
    for (const char c : value) head += c == '\r' || c == '\n' ? ' ' : c;
  }

  Next after(bool sent, bool keep_alive, bool unread) const {
    if (!sent) return Next::close;
    if (unread) return Next::linger;
    return keep_alive && !host_->is_draining() ? Next::another : Next::close;
  }

  asio::awaitable<Next> answer_broken_header(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      co_return co_await refuse_and_linger(431, {});
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      co_return co_await refuse_and_linger(400, {});
    }
    co_return Next::close;
  }

  asio::awaitable<Next> answer_broken_body(error_code error, std::string path) {
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::partial_message) {
      co_return co_await refuse_and_linger(400, std::move(path));
    }
    co_return Next::close;
  }

  asio::awaitable<Next> refuse_and_linger(int status, std::string path) {
    Response refusal = host_->handler().refuse(status, path);
    const bool sent = co_await send(std::move(refusal), false, false);
    co_return after(sent, false, true);
  }

  /// Closing with unread bytes resets the connection, and the client may lose our answer: read on for a moment.
  asio::awaitable<void> linger() {
    error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.expires_after(host_->deadlines().linger);
    buffer_.clear();
    while (!stopped_) {
      const auto target = buffer_.prepare(kReadBytes);
      const auto [error, size] = co_await stream_.async_read_some(target, kUseTuple);
      if (error) co_return;
    }
  }

  Request head_of(const http::request<http::string_body>& message) const {
    Request request;
    const auto method = message.method_string();
    request.method.assign(method.data(), method.size());
    for (const auto& field : message) {
      const auto name = field.name_string();
      const auto value = field.value();
      request.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    request.peer = peer_;
    return request;
  }

  /// Status that refuses the header itself, or 0. Fills in path and query.
  static int header_fault(const http::request<http::string_body>& message, Request& request) {
    const auto target = message.target();
    if (!split_target({target.data(), target.size()}, request)) return 400;
    if (request.headers.fields().size() > kMaxHeaderFields) return 431;
    if (message.version() >= 11 && message.count(http::field::host) != 1) return 400;  // RFC 9112, 3.2
    const auto expect = request.headers.find("Expect");
    if (expect != nullptr && !equals_ignoring_case(*expect, "100-continue")) return 417;
    return 0;
  }

  const std::string& date() {
    const std::time_t now = std::time(nullptr);
    if (now != dated_) {
      dated_ = now;
      date_ = http_date(now);
    }
    return date_;
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  // Fixed after construction.
  const std::string peer_;
  const std::shared_ptr<SessionHost> host_;

  // Only on the stream's strand.
  beast::tcp_stream stream_;
  asio::steady_timer wake_;
  beast::flat_buffer buffer_;
  const Exchange* awaited_ = nullptr;  ///< the request whose answer `wake_` waits for
  bool idle_ = false;                  ///< between two requests
  bool stopped_ = false;
  bool has_news_ = false;  ///< of the stream that is sent
  bool is_gone_ = false;   ///< the client, while a stream is sent
  std::time_t dated_ = 0;
  std::string date_;
};

}  // namespace

std::shared_ptr<Session> make_session(asio::ip::tcp::socket socket, std::shared_ptr<SessionHost> host) {
  return std::make_shared<HttpSession>(std::move(socket), std::move(host));
}

}  // namespace orchestrator::api
