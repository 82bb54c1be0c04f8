#include "orchestrator/app/node_identity.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <random>
#include <utility>

#include "orchestrator/base/names.hpp"

namespace orchestrator::app {
namespace {

std::string host_and_address(const config::Config& config) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {"localhost"};
  std::string id = std::string(host.data()) + ":" + config.listen.str();
  // An IPv6 address is full of colons, which names may have; brackets and zones they may not.
  for (char& c : id) {
    if (!is_valid_name(std::string_view(&c, 1))) c = '_';
  }
  return id.substr(0, 128);
}

std::string fresh_id() {
  std::random_device device;
  static constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string id = "node-";
  for (int index = 0; index < 12; ++index) id += kLetters[device() % kLetters.size()];
  return id;
}

/// The id in an open file, written there first when the file is new. Empty when it cannot be.
std::string id_in(int file) {
  std::array<char, 200> text{};
  const ssize_t size = read(file, text.data(), text.size() - 1);
  std::string id(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (id.ends_with('\n')) id.pop_back();
  if (is_valid_name(id)) return id;
  id = fresh_id();
  const std::string line = id + "\n";
  const bool written =
      ftruncate(file, 0) == 0 && pwrite(file, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
  return written && fsync(file) == 0 ? id : std::string{};
}

}  // namespace

NodeIdentity NodeIdentity::find(const config::Config& config) {
  if (!config.node_id.empty()) return {NodeId{config.node_id}, -1};
  const std::string path = (std::filesystem::path(config.data_dir) / "node-id").string();
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return {NodeId{host_and_address(config)}, -1};
  if (flock(file, LOCK_EX | LOCK_NB) == 0) {
    std::string id = id_in(file);
    if (!id.empty()) return {NodeId{std::move(id)}, file};
  }
  close(file);
  return {NodeId{host_and_address(config)}, -1};
}

NodeIdentity::NodeIdentity(NodeIdentity&& other) noexcept
    : id_(std::move(other.id_)), lock_(std::exchange(other.lock_, -1)) {}

NodeIdentity::~NodeIdentity() {
  if (lock_ >= 0) close(lock_);
}

Result<std::uint16_t> pick_free_port(const std::string& host) {
  using boost::asio::ip::tcp;
  boost::asio::io_context io{1};
  boost::system::error_code problem;
  const auto address = boost::asio::ip::make_address(host, problem);
  if (problem) return fail(ErrorCode::invalid_argument, host + " is not an address in numbers");
  tcp::acceptor acceptor(io);
  const tcp::endpoint any(address, 0);
  acceptor.open(any.protocol(), problem);
  if (!problem) acceptor.bind(any, problem);
  if (problem) return fail(ErrorCode::unavailable, "no free port on " + host + ": " + problem.message());
  return acceptor.local_endpoint(problem).port();
}

}  // namespace orchestrator::app
