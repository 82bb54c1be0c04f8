#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing_support {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

Json ClientResponse::json() const { return Json::parse(body); }

std::string ClientResponse::header(const std::string& lower_name) const {
  const auto found = headers.find(lower_name);
  return found == headers.end() ? std::string{} : found->second;
}

HttpClient::HttpClient(unsigned short port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    throw std::runtime_error("cannot connect to the server under test");
  }
}

HttpClient::~HttpClient() { ::close(socket_); }

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpClient::receive() {
  std::array<char, 16384> chunk{};
  const ssize_t size = ::recv(socket_, chunk.data(), chunk.size(), 0);
  if (size <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

ClientResponse HttpClient::read_response(bool without_body) {
  ClientResponse response;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return response;
  }
  const std::string head = buffer_.substr(0, end);
  buffer_.erase(0, end + 4);
  response.status = std::stoi(head.substr(9, 3));
  for (std::size_t line = head.find("\r\n"); line != std::string::npos; line = head.find("\r\n", line + 2)) {
    const std::size_t colon = head.find(':', line);
    const std::size_t next = std::min(head.find("\r\n", line + 2), head.size());
    response.headers[lower(head.substr(line + 2, colon - line - 2))] = head.substr(colon + 2, next - colon - 2);
  }
  if (without_body || response.status == 100) return response;
  const std::string length = response.header("content-length");
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  while (buffer_.size() < size) {
    if (!receive()) break;
  }
  response.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return response;
}

ClientResponse HttpClient::request(const std::string& method, const std::string& target, const std::string& body,
                                   const ClientHeaders& headers) {
  send(format_request(method, target, body, headers));
  return read_response(method == "HEAD");
}

std::string HttpClient::read_until(std::string_view end) {
  std::size_t found = 0;
  while ((found = buffer_.find(end)) == std::string::npos) {
    if (!receive()) return std::exchange(buffer_, {});
  }
  std::string text = buffer_.substr(0, found + end.size());
  buffer_.erase(0, text.size());
  return text;
}

bool HttpClient::is_closed_by_server() {
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t size = ::recv(socket_, chunk.data(), chunk.size(), 0);
    if (size == 0) return true;
    if (size < 0) return errno == ECONNRESET;
  }
}

bool HttpClient::is_closed_within(std::chrono::milliseconds patience) {
  pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, static_cast<int>(patience.count())) <= 0) return false;
  char byte = 0;
  return ::recv(socket_, &byte, 1, MSG_PEEK) <= 0;
}

void HttpClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

std::string format_request(const std::string& method, const std::string& target, const std::string& body,
                           const ClientHeaders& headers) {
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: test\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

}  // namespace orchestrator::testing_support
