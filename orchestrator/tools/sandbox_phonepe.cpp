#include <chrono>
#include <string>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/tools/sandbox_providers.hpp"

namespace orchestrator::tools {

namespace {

constexpr std::chrono::hours kTokenLifetime{1};

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string value_of(const digest::FormFields& fields, std::string_view name) {
  for (const auto& [known, value] : fields) {
    if (known == name) return value;
  }
  return {};
}

}  // namespace

SandboxReply SandboxPhonePe::token(const SandboxRequest& request) {
  const auto fault = world_.faults.take("phonepe.token", "");
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  const digest::FormFields form = digest::parse_form(request.body);
  const bool is_known = value_of(form, "client_id") == account_.client_id &&
                        value_of(form, "client_secret") == account_.client_secret &&
                        value_of(form, "grant_type") == "client_credentials";
  if (!is_known || is_fault(fault, Fault::refuse)) return json_reply(401, {{"code", "AUTHORIZATION_FAILED"}});
  token_ = "token-" + std::to_string(world_.next_number++);
  const std::int64_t expires_at = unix_seconds() + std::chrono::seconds(kTokenLifetime).count();
  return reply_after_effect(fault, json_reply(200, {{"access_token", token_}, {"expires_at", expires_at}}));
}

bool SandboxPhonePe::is_authorised(const SandboxRequest& request) const {
  return !token_.empty() && request.header("authorization") == "O-Bearer " + token_;
}

SandboxReply SandboxPhonePe::pay(const SandboxRequest& request) {
  const auto body = parse_json(request.body);
  const std::string id = body ? string_member(*body, "merchantOrderId") : std::string();
  const auto fault = world_.faults.take("phonepe.pay", id);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  if (!is_authorised(request)) return json_reply(401, {{"code", "AUTHORIZATION_FAILED"}});
  const bool is_well_formed = body && !id.empty() && id.size() <= 63 && body->contains("amount") &&
                              body->at("amount").is_number_integer() && body->at("amount").get<std::int64_t>() >= 100;
  // An id is used once and for ever.
  if (!is_well_formed || orders_.contains(id) || is_fault(fault, Fault::refuse)) {
    return json_reply(400, {{"code", "BAD_REQUEST"}});
  }
  Order& order = orders_[id];
  order.provider_order_id = "OMO" + std::to_string(world_.next_number++);
  order.amount = body->at("amount").get<std::int64_t>();
  if (is_fault(fault, Fault::wrong_amount)) order.amount -= 100;
  world_.effects.count("phonepe.pay/" + id);
  return reply_after_effect(fault,
                            json_reply(200, {{"orderId", order.provider_order_id},
                                             {"state", "PENDING"},
                                             {"expireAt", (unix_seconds() + 1'200) * 1'000},
                                             {"redirectUrl", "https://pay.example/" + order.provider_order_id}}));
}

SandboxReply SandboxPhonePe::order_status(const SandboxRequest& request, const std::string& merchant_order_id) {
  const auto fault = world_.faults.take("phonepe.status", merchant_order_id);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  if (!is_authorised(request)) return json_reply(401, {{"code", "AUTHORIZATION_FAILED"}});
  const auto found = orders_.find(merchant_order_id);
  if (found == orders_.end()) return json_reply(404, {{"code", "ORDER_NOT_FOUND"}});
  const Order& order = found->second;
  return reply_after_effect(
      fault, json_reply(200, {{"orderId", order.provider_order_id}, {"state", order.state}, {"amount", order.amount}}));
}

SandboxReply SandboxPhonePe::settle(const Json& command) {
  const std::string id = string_member(command, "merchant_order_id");
  const std::string state = string_member(command, "state", "COMPLETED");
  const auto found = orders_.find(id);
  if (found == orders_.end()) return json_reply(404, {{"detail", "no such order"}});
  if (state != "COMPLETED" && state != "FAILED") return json_reply(422, {{"detail", "state is COMPLETED or FAILED"}});
  Order& order = found->second;
  if (order.state == "PENDING") {
    order.state = state;
    if (state == "COMPLETED") world_.effects.count("phonepe.payment/" + id);
  }
  const std::string webhook = string_member(command, "webhook", "v2");
  if (webhook == "v2") notify_v2(id, order);
  if (webhook == "v1") notify_v1(id, order);
  return json_reply(202, {{"state", order.state}});
}

void SandboxPhonePe::notify_v2(const std::string& merchant_order_id, const Order& order) {
  const auto fault = world_.faults.take("phonepe.webhook", merchant_order_id);
  if (is_fault(fault, Fault::drop)) return;
  const Json body = {{"event", order.state == "COMPLETED" ? "checkout.order.completed" : "checkout.order.failed"},
                     {"payload",
                      {{"orderId", order.provider_order_id},
                       {"merchantOrderId", merchant_order_id},
                       {"state", order.state},
                       {"amount", order.amount}}}};
  const std::string password = is_fault(fault, Fault::bad_signature) ? "another-word" : account_.hook_password;
  HookCall call{.url = account_.v2_hook_url,
                .headers = {{"Authorization", digest::phonepe_v2_authorization(account_.hook_username, password)}},
                .body = dump_json(body)};
  if (is_fault(fault, Fault::delay)) call.delay = fault->delay;
  if (is_fault(fault, Fault::duplicate)) world_.hooks.send(call);
  world_.hooks.send(std::move(call));
}

void SandboxPhonePe::notify_v1(const std::string& merchant_order_id, const Order& order) {
  const auto fault = world_.faults.take("phonepe.webhook", merchant_order_id);
  if (is_fault(fault, Fault::drop)) return;
  const bool completed = order.state == "COMPLETED";
  const Json document = {{"success", completed},
                         {"code", completed ? "PAYMENT_SUCCESS" : "PAYMENT_ERROR"},
                         {"data",
                          {{"merchantTransactionId", merchant_order_id},
                           {"transactionId", order.provider_order_id},
                           {"amount", order.amount},
                           {"state", order.state}}}};
  const std::string response = digest::to_base64(dump_json(document));
  digest::PhonePeSalt salt = account_.v1_salt;
  if (is_fault(fault, Fault::bad_signature)) salt.key += "x";
  HookCall call{.url = account_.v1_hook_url,
                .headers = {{"X-VERIFY", digest::phonepe_v1_callback_verify(response, salt)}},
                .body = dump_json({{"response", response}})};
  if (is_fault(fault, Fault::delay)) call.delay = fault->delay;
  if (is_fault(fault, Fault::duplicate)) world_.hooks.send(call);
  world_.hooks.send(std::move(call));
}

SandboxReply SandboxPhonePe::refund(const SandboxRequest& request) {
  const auto body = parse_json(request.body);
  const std::string id = body ? string_member(*body, "merchantRefundId") : std::string();
  const auto fault = world_.faults.take("phonepe.refund", id);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  if (!is_authorised(request)) return json_reply(401, {{"code", "AUTHORIZATION_FAILED"}});
  const auto order = orders_.find(body ? string_member(*body, "originalMerchantOrderId") : std::string());
  const bool is_refundable = !id.empty() && order != orders_.end() && order->second.state == "COMPLETED";
  if (!is_refundable || refunds_.contains(id) || is_fault(fault, Fault::refuse)) {
    return json_reply(400, {{"code", "BAD_REQUEST"}});
  }
  refunds_.emplace(id, Refund{});
  world_.effects.count("phonepe.refund/" + id);
  return reply_after_effect(fault, json_reply(200, {{"merchantRefundId", id}, {"state", "PENDING"}}));
}

SandboxReply SandboxPhonePe::refund_status(const SandboxRequest& request, const std::string& merchant_refund_id) {
  const auto fault = world_.faults.take("phonepe.refund_status", merchant_refund_id);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  if (!is_authorised(request)) return json_reply(401, {{"code", "AUTHORIZATION_FAILED"}});
  const auto found = refunds_.find(merchant_refund_id);
  if (found == refunds_.end()) return json_reply(404, {{"code", "REFUND_NOT_FOUND"}});
  if (++found->second.reads >= 2) found->second.state = "COMPLETED";
  return reply_after_effect(
      fault, json_reply(200, {{"merchantRefundId", merchant_refund_id}, {"state", found->second.state}}));
}

}  // namespace orchestrator::tools
