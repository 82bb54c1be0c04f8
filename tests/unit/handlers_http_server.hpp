#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace orchestrator::handlers::testing_support {

/// A server on loopback that says exactly the bytes that a test gives it, one connection after the other.
class ScriptedServer {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  /// Called with each complete request; the connection is closed when it returns.
  using Script = std::function<void(Socket& socket, const std::string& request)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)), thread_([this] { serve(); }) {}

  /// Answers every request with these bytes.
  explicit ScriptedServer(std::string answer)
      : ScriptedServer([answer = std::move(answer)](Socket& socket, const std::string&) {
          boost::system::error_code ignored;
          boost::asio::write(socket, boost::asio::buffer(answer), ignored);
        }) {}

  ~ScriptedServer() {
    stopping_ = true;
    // Wakes the acceptor.
    boost::system::error_code ignored;
    Socket waker(io_);
    waker.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  [[nodiscard]] std::string url(const std::string& target = "/") const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + target;
  }

  /// Requests seen so far.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  /// Keeps a connection open without a word until the other side closes it.
  static void wait_for_close(Socket& socket) {
    char byte = 0;
    boost::system::error_code problem;
    while (!problem) boost::asio::read(socket, boost::asio::buffer(&byte, 1), problem);
  }

 private:
  void serve() {
    while (!stopping_) {
      Socket socket(io_);
      boost::system::error_code problem;
      acceptor_.accept(socket, problem);
      if (problem || stopping_) return;
      const std::string request = read_request(socket);
      if (request.empty()) continue;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      script_(socket, request);
      socket.shutdown(Socket::shutdown_send, problem);
    }
  }

  static std::string read_request(Socket& socket) {
    std::string text;
    boost::system::error_code problem;
    const std::size_t head = boost::asio::read_until(socket, boost::asio::dynamic_buffer(text), "\r\n\r\n", problem);
    if (problem) return {};
    const auto length = text.find("Content-Length: ");
    if (length == std::string::npos) return text;
    const std::size_t wanted = head + std::stoul(text.substr(length + 16));
    if (text.size() < wanted) {
      boost::asio::read(socket, boost::asio::dynamic_buffer(text), boost::asio::transfer_exactly(wanted - text.size()),
                        problem);
    }
    return text;
  }

  Script script_;
  std::atomic<bool> stopping_ = false;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  std::mutex mutex_;
  std::vector<std::string> requests_;  // Guarded by mutex_.
  std::thread thread_;                 // Last: it uses all of the above.
};

}  // namespace orchestrator::handlers::testing_support
