#include "orchestrator/tools/sandbox.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/sandbox_providers.hpp"

namespace orchestrator::tools {

namespace {

/// The piece of `path` between a beginning and an end, or nothing.
std::optional<std::string> between(std::string_view path, std::string_view beginning, std::string_view end) {
  if (!path.starts_with(beginning) || !path.ends_with(end) || path.size() <= beginning.size() + end.size()) {
    return std::nullopt;
  }
  return std::string(path.substr(beginning.size(), path.size() - beginning.size() - end.size()));
}

SandboxPhonePeAccount phonepe_account(const SandboxOptions& options) {
  return {.client_id = options.phonepe_client_id,
          .client_secret = options.phonepe_client_secret,
          .hook_username = options.phonepe_hook_username,
          .hook_password = options.phonepe_hook_password,
          .v2_hook_url = options.hook_url + "/phonepe-v2",
          .v1_hook_url = options.hook_url + "/phonepe-v1",
          .v1_salt = {.key = options.phonepe_v1_salt, .index = 1}};
}

}  // namespace

struct Sandbox::Impl {
  explicit Impl(const SandboxOptions& options)
      : world{.hooks = HookSender(io),
              .next_number = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count()},
        payfast(world, options.payfast_passphrase),
        phonepe(world, phonepe_account(options)),
        mail(world),
        model(world),
        events(world),
        server(io, [this](const SandboxRequest& request) { return route(request); }) {}

  SandboxReply route(const SandboxRequest& request) {
    const std::string& path = request.path;
    if (path.starts_with("/control/")) return control(request);
    if (path == "/eng/process") return payfast.process(request);
    if (path == "/eng/query/validate") return payfast.validate(request);
    if (path == "/transactions/history") return payfast.history(request);
    if (path == "/v1/oauth/token") return phonepe.token(request);
    if (path == "/checkout/v2/pay") return phonepe.pay(request);
    if (path == "/payments/v2/refund") return phonepe.refund(request);
    if (const auto id = between(path, "/checkout/v2/order/", "/status")) return phonepe.order_status(request, *id);
    if (const auto id = between(path, "/payments/v2/refund/", "/status")) return phonepe.refund_status(request, *id);
    if (path == "/emails") return mail.send(request);
    if (path == "/events") return events.receive(request);
    if (path == "/v1/models/reducer:generateContent") return model.generate(request);
    return json_reply(404, {{"detail", "no provider answers here"}});
  }

  SandboxReply control(const SandboxRequest& request) {
    if (request.path == "/control/effects") return json_reply(200, world.effects.as_json());
    if (request.method != "POST") return json_reply(405, {{"detail", "use POST"}});
    const auto body = parse_json(request.body.empty() ? "{}" : request.body);
    if (!body || !body->is_structured()) return json_reply(400, {{"detail", "the body must be JSON"}});
    if (request.path == "/control/script") return add_faults(*body);
    if (request.path == "/control/payfast/pay") return payfast.pay(*body);
    if (request.path == "/control/phonepe/settle") return phonepe.settle(*body);
    if (request.path == "/control/reset") {
      world.faults.clear();
      world.effects.clear();
      return json_reply(200, Json::object());
    }
    return json_reply(404, {{"detail", "no such control"}});
  }

  /// One fault or a list of them.
  SandboxReply add_faults(const Json& body) {
    const Json list = body.is_array() ? body : Json::array({body});
    for (const Json& entry : list) {
      if (const Status added = world.faults.add(entry); !added)
        return json_reply(422, {{"detail", added.error().message}});
    }
    return json_reply(200, {{"added", list.size()}});
  }

  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work = boost::asio::make_work_guard(io);
  SandboxWorld world;
  SandboxPayFast payfast;
  SandboxPhonePe phonepe;
  SandboxMail mail;
  SandboxModel model;
  SandboxEvents events;
  SandboxServer server;
  std::uint16_t port = 0;
  std::thread thread;  // Runs `io`; everything above is touched only there once it runs.
};

Sandbox::Sandbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Sandbox>> Sandbox::start(SandboxOptions options) {
  auto impl = std::make_unique<Impl>(options);
  const auto port = impl->server.listen(options.port);
  if (!port) return port.error();
  impl->port = *port;
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(impl)));
}

Sandbox::~Sandbox() {
  impl_->io.stop();
  impl_->thread.join();
}

std::uint16_t Sandbox::port() const { return impl_->port; }

std::string Sandbox::url() const { return "http://127.0.0.1:" + std::to_string(impl_->port); }

int run_sandbox(SandboxOptions options) {
  // Blocked before any thread exists, so that only sigwait sees them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  const auto sandbox = Sandbox::start(std::move(options));
  if (!sandbox) {
    std::fprintf(stderr, "orchestrator sandbox: %s\n", sandbox.error().message.c_str());
    return 1;
  }
  std::printf("sandbox ready on %s\n", (*sandbox)->url().c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&stop_signals, &received);
  return 0;
}

}  // namespace orchestrator::tools
