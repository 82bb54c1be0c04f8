#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "orchestrator/base/result.hpp"

/// Fake external providers on loopback, for the demo, the tests and a first look: really signed webhooks, faults on
/// command, and a count of what they did per key.
namespace orchestrator::tools {

/// Public sandbox credentials of no value; the demo sets the server's secrets to the same.
struct SandboxOptions {
  std::uint16_t port = 8090;  ///< 0: a free one
  /// Address of the server's webhooks, e.g. http://127.0.0.1:8080/hooks/default; the endpoints `phonepe-v2` and
  /// `phonepe-v1` hang below it. PayFast's notifications go to the form's notify_url.
  std::string hook_url = "http://127.0.0.1:8080/hooks/default";
  std::string payfast_passphrase = "jt7NOE43FZPn";
  std::string phonepe_client_id = "sandbox-client";
  std::string phonepe_client_secret = "sandbox-secret";
  std::string phonepe_hook_username = "sandbox_hook";
  std::string phonepe_hook_password = "s3cretPass9";
  std::string phonepe_v1_salt = "11111111-2222-4333-8444-555555555555";
};

/// The providers on a thread of their own, from start to destruction. Besides the providers' own paths it answers
///
///     POST /control/script          a fault or a list of them (FaultScript::add, sandbox_faults.hpp)
///     GET  /control/effects         {"mail/<key>": 1, "phonepe.pay/<order>": 1, ...}: how often each thing happened
///     POST /control/reset           forgets faults and counts
///     POST /control/payfast/pay     {m_payment_id, status?}: the payer pays, or gives up; sends the notification
///     POST /control/phonepe/settle  {merchant_order_id, state?, webhook?: v2|v1|none}: the payment becomes final
class Sandbox {
 public:
  /// unavailable when the port is taken.
  static Result<std::unique_ptr<Sandbox>> start(SandboxOptions options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// http://127.0.0.1:port
  [[nodiscard]] std::string url() const;

 private:
  struct Impl;
  explicit Sandbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// `orchestrator sandbox`: serves until SIGINT or SIGTERM, after one ready line on standard output. Answers the exit
/// code.
int run_sandbox(SandboxOptions options);

}  // namespace orchestrator::tools
