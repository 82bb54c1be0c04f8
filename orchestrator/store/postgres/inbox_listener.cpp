#include "orchestrator/store/postgres/inbox_listener.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <pqxx/connection>
#include <pqxx/notification>
#include <utility>

#include "orchestrator/base/check.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {
namespace {

/// As migrations/0013 notifies.
constexpr const char* kChannel = "orchestrator_inbox";
constexpr std::chrono::seconds kConnectAgainAfter{1};

class Receiver final : public pqxx::notification_receiver {
 public:
  explicit Receiver(pqxx::connection_base& connection) : pqxx::notification_receiver(connection, kChannel) {}
  void operator()(const std::string& /*payload*/, int /*backend_pid*/) override {}
};

}  // namespace

/// Something that a poll can wait for beside a socket.
class InboxListener::StopEvent {
 public:
  StopEvent() : file_(::eventfd(0, EFD_CLOEXEC)) { ORC_CHECK(file_ >= 0, "an event file can be opened"); }
  ~StopEvent() { ::close(file_); }
  StopEvent(const StopEvent&) = delete;
  StopEvent& operator=(const StopEvent&) = delete;

  void set() const {
    const std::uint64_t one = 1;
    const auto written = ::write(file_, &one, sizeof one);
    ORC_CHECK(written == sizeof one, "an event file takes its first event");
  }
  /// False when it is set, else after `time` or once `socket` (or -1) can be read.
  [[nodiscard]] bool wait(int socket, int milliseconds) const {
    pollfd files[] = {{file_, POLLIN, 0}, {socket, POLLIN, 0}};
    ::poll(files, 2, milliseconds);
    return (files[0].revents & POLLIN) == 0;
  }

 private:
  int file_;
};

InboxListener::InboxListener(std::string url, std::function<void()> heard)
    : url_(std::move(url)),
      heard_(std::move(heard)),
      stop_(std::make_unique<StopEvent>()),
      thread_([this] { run(); }) {}

InboxListener::~InboxListener() {
  stop_->set();
  thread_.join();
}

void InboxListener::run() {
  const auto pause = static_cast<int>(std::chrono::milliseconds(kConnectAgainAfter).count());
  do {
    listen();
  } while (stop_->wait(-1, pause));
}

void InboxListener::listen() {
  Session session({.url = url_, .application_name = "orchestrator-listener", .kind = SessionKind::page});
  if (!session.ensure_connected()) return;
  try {
    pqxx::connection_base& connection = *session.connection();
    const Receiver receiver(connection);
    heard_();
    while (stop_->wait(connection.sock(), -1)) {
      if (connection.get_notifs() > 0) heard_();
      if (!connection.is_open()) return;
    }
  } catch (const std::exception&) {
    // Whatever broke, the next connection hears again.
    return;
  }
}

}  // namespace orchestrator::store::postgres
