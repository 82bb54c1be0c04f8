#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/digest/provider_signatures.hpp"
#include "orchestrator/tools/sandbox_faults.hpp"
#include "orchestrator/tools/sandbox_hooks.hpp"
#include "orchestrator/tools/sandbox_http.hpp"

/// The fake providers of the sandbox. Each answers the calls of one provider and signs its webhooks for real; all state
/// is in memory and on one thread. Rules: docs/providers.md.
namespace orchestrator::tools {

/// What every fake provider shares.
struct SandboxWorld {
  FaultScript faults;
  EffectCounts effects;
  HookSender hooks;
  /// Of the next payment, order or token. Providers never give a number twice, so two lives of the sandbox must not
  /// either: it begins at the wall clock's milliseconds.
  std::int64_t next_number;
};

/// Plays PayFast: `/eng/process`, `/eng/query/validate`, `/transactions/history`; notifies the form's notify_url.
/// Operations: payfast.process, payfast.validate, payfast.history, payfast.itn.
class SandboxPayFast {
 public:
  SandboxPayFast(SandboxWorld& world, std::string passphrase) : world_(world), passphrase_(std::move(passphrase)) {}

  SandboxReply process(const SandboxRequest& request);
  SandboxReply validate(const SandboxRequest& request);
  SandboxReply history(const SandboxRequest& request);
  /// Control: the payer pays or gives up: `{m_payment_id, status?}`. Sends the notification.
  SandboxReply pay(const Json& command);

 private:
  struct Payment {
    digest::FormFields form;
    std::string pf_payment_id;
    digest::FormFields notification;  ///< empty until the payer acted
  };
  void notify(const Payment& payment);

  SandboxWorld& world_;
  const std::string passphrase_;
  std::map<std::string, Payment> payments_;  ///< by m_payment_id
};

struct SandboxPhonePeAccount {
  std::string client_id;
  std::string client_secret;
  std::string hook_username;
  std::string hook_password;
  std::string v2_hook_url;
  std::string v1_hook_url;
  digest::PhonePeSalt v1_salt;
};

/// Plays PhonePe: token, pay, status, refund; webhooks of both versions.
/// Operations: phonepe.token, phonepe.pay, phonepe.status, phonepe.refund, phonepe.webhook.
class SandboxPhonePe {
 public:
  SandboxPhonePe(SandboxWorld& world, SandboxPhonePeAccount account) : world_(world), account_(std::move(account)) {}

  SandboxReply token(const SandboxRequest& request);
  SandboxReply pay(const SandboxRequest& request);
  SandboxReply order_status(const SandboxRequest& request, const std::string& merchant_order_id);
  SandboxReply refund(const SandboxRequest& request);
  SandboxReply refund_status(const SandboxRequest& request, const std::string& merchant_refund_id);
  /// Control: `{merchant_order_id, state: COMPLETED|FAILED, webhook?: v2|v1|none}`. The order becomes final.
  SandboxReply settle(const Json& command);

 private:
  struct Order {
    std::string provider_order_id;
    std::string state = "PENDING";
    std::int64_t amount = 0;
  };
  struct Refund {
    std::string state = "PENDING";
    int reads = 0;  ///< becomes COMPLETED at the second read
  };
  [[nodiscard]] bool is_authorised(const SandboxRequest& request) const;
  void notify_v2(const std::string& merchant_order_id, const Order& order);
  void notify_v1(const std::string& merchant_order_id, const Order& order);

  SandboxWorld& world_;
  const SandboxPhonePeAccount account_;
  std::string token_;
  std::map<std::string, Order> orders_;    ///< by merchantOrderId
  std::map<std::string, Refund> refunds_;  ///< by merchantRefundId
};

/// Plays the mail provider: `POST /emails` with its rules for Idempotency-Key. Operation: mail.send.
class SandboxMail {
 public:
  explicit SandboxMail(SandboxWorld& world) : world_(world) {}
  SandboxReply send(const SandboxRequest& request);

 private:
  struct Sent {
    std::string body;
    std::string id;
  };
  SandboxWorld& world_;
  std::map<std::string, Sent> sent_;  ///< by Idempotency-Key
};

/// Plays the receiver of published events: `POST /events` in the form of Standard Webhooks. A repeat of an id is taken
/// and has no effect, as its consumers would do. Operation: events.receive.
class SandboxEvents {
 public:
  explicit SandboxEvents(SandboxWorld& world) : world_(world) {}
  SandboxReply receive(const SandboxRequest& request);

 private:
  SandboxWorld& world_;
  std::set<std::string> received_;
};

/// Plays the model: the same prompt gets the same answer. Operation: model.reduce.
class SandboxModel {
 public:
  explicit SandboxModel(SandboxWorld& world) : world_(world) {}
  SandboxReply generate(const SandboxRequest& request);

 private:
  SandboxWorld& world_;
};

}  // namespace orchestrator::tools
