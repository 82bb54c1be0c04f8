#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP as plain values. The listener and the sessions turn bytes into these; nothing else knows the HTTP library.
namespace orchestrator::api {

/// Header fields in the order received. Names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The first field of that name, or nothing; `name` in any case.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  /// The same, with "" for a missing one.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;  ///< "GET"; a HEAD arrives as such
  std::string path;    ///< before `?`, still percent-encoded
  std::string query;   ///< after `?`, still percent-encoded
  Headers headers;
  std::string body;
  std::string peer;  ///< address of the socket's other end, without port
};

/// A body that comes bit by bit until it ends, or nobody reads it any more. Thread-safe.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Called once and first. `wake` is called from any thread when there is something to take, or the end has come.
  virtual void begin(std::function<void()> wake) = 0;
  /// Appends what has come. False: it was the last.
  virtual bool take(std::string& into) = 0;
  /// What is sent when nothing came for a while.
  virtual std::string heartbeat() = 0;
  /// Nobody reads any more.
  virtual void close() = 0;
};

struct Response {
  int status = 200;
  std::string content_type;  ///< empty: no body
  std::string body;
  /// Further fields; Content-Length, Connection and Date are added when it is sent.
  std::vector<std::pair<std::string, std::string>> headers;
  /// Instead of `body`; the connection ends with it. Shared by the session and those who write.
  std::shared_ptr<BodyStream> stream;
  /// Called when the client is known not to have got it: the connection ended before, or while it was written. At most
  /// once; a client that dies with the bytes in its buffers is not noticed.
  std::function<void()> on_unsent;
};

/// Takes the one answer to a request; any thread, at most once (later calls are ignored).
using Answer = std::function<void(Response)>;

/// What may be read of a request whose header is known.
struct Admission {
  std::uint64_t body_limit = 0;  ///< bytes
  bool refused = false;          ///< true: `refusal` is the answer, whatever the body says
  Response refusal;
};

/// What stands behind the HTTP server. Called from I/O threads, concurrently for different requests; must not block.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  /// Decides from the header alone, before any of the body is read.
  virtual Admission admit(const Request& head) = 0;
  /// Only for admitted requests, with their body.
  virtual void handle(Request request, Answer answer) = 0;
  /// A body turned out longer than admitted, or the HTTP itself was malformed: the answer for `status`.
  virtual Response refuse(int status, const std::string& path) = 0;
  /// The server is ending: whoever waits is answered with what is known, readiness says no.
  virtual void drain() = 0;
};

/// Whether two header names or tokens are the same but for case (ASCII).
bool equals_ignoring_case(std::string_view a, std::string_view b);

/// "Not Found" for 404. Statuses that we do not use are "Unknown".
std::string_view reason_phrase(int status);

}  // namespace orchestrator::api
