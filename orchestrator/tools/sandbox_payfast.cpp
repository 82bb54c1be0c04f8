#include <algorithm>
#include <string>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/sandbox_providers.hpp"

namespace orchestrator::tools {

namespace {

using digest::FormFields;

/// Source: the fee of the notification vectors, 5.75 for 150.00; here a flat part and a share, in cents.
constexpr std::int64_t kFlatFeeMinor = 200;
constexpr std::int64_t kFeeShare = 40;

std::string value_of(const FormFields& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, [](const auto& field) { return std::string_view(field.first); });
  return found == fields.end() ? std::string() : found->second;
}

/// "150.00" -> 15000; anything else counts as nothing.
std::int64_t minor_units(const std::string& decimal) {
  std::int64_t minor = 0;
  for (const char c : decimal) {
    if (c >= '0' && c <= '9') minor = minor * 10 + (c - '0');
  }
  return minor;
}

std::string decimal(std::int64_t minor) {
  const std::int64_t size = minor < 0 ? -minor : minor;
  std::string cents = std::to_string(size % 100);
  if (cents.size() < 2) cents.insert(0, "0");
  return (minor < 0 ? "-" : "") + std::to_string(size / 100) + "." + cents;
}

SandboxReply text_reply(int status, std::string body) {
  return {.status = status, .content_type = "text/plain", .body = std::move(body)};
}

FormFields notification_of(const FormFields& form, const std::string& reference, const std::string& status,
                           std::int64_t gross) {
  const std::int64_t fee = status == "COMPLETE" ? kFlatFeeMinor + gross / kFeeShare : 0;
  FormFields fields = {{"m_payment_id", value_of(form, "m_payment_id")},
                       {"pf_payment_id", reference},
                       {"payment_status", status},
                       {"item_name", value_of(form, "item_name")},
                       {"item_description", value_of(form, "item_description")},
                       {"amount_gross", decimal(gross)},
                       {"amount_fee", decimal(-fee)},
                       {"amount_net", decimal(gross - fee)}};
  for (const char* name :
       {"custom_str1", "custom_str2", "custom_str3", "custom_str4", "custom_str5", "custom_int1", "custom_int2",
        "custom_int3", "custom_int4", "custom_int5", "name_first", "name_last", "email_address", "merchant_id"}) {
    fields.emplace_back(name, value_of(form, name));
  }
  return fields;
}

}  // namespace

SandboxReply SandboxPayFast::process(const SandboxRequest& request) {
  FormFields form = digest::parse_form(request.body);
  const std::string m_payment_id = value_of(form, "m_payment_id");
  const auto fault = world_.faults.take("payfast.process", m_payment_id);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  const std::string signature = value_of(form, "signature");
  FormFields unsigned_form = form;
  std::erase_if(unsigned_form, [](const auto& field) { return field.first == "signature"; });
  if (signature != digest::payfast_form_signature(unsigned_form, passphrase_)) {
    return text_reply(400, "Generated signature does not match submitted signature");
  }
  Payment& payment = payments_[m_payment_id];
  if (payment.pf_payment_id.empty()) payment.pf_payment_id = std::to_string(world_.next_number++);
  payment.form = std::move(form);
  return reply_after_effect(fault, text_reply(200, "Choose how to pay"));
}

SandboxReply SandboxPayFast::pay(const Json& command) {
  const auto found = payments_.find(string_member(command, "m_payment_id"));
  if (found == payments_.end()) return json_reply(404, {{"detail", "the payer has not posted this form"}});
  Payment& payment = found->second;
  const std::string status = string_member(command, "status", "COMPLETE");
  std::int64_t gross = minor_units(value_of(payment.form, "amount"));
  const auto fault = world_.faults.take("payfast.pay", found->first);
  if (is_fault(fault, Fault::wrong_amount)) gross -= 100;
  if (payment.notification.empty() && status == "COMPLETE") world_.effects.count("payfast.payment/" + found->first);
  payment.notification = notification_of(payment.form, payment.pf_payment_id, status, gross);
  notify(payment);
  return json_reply(202, {{"pf_payment_id", payment.pf_payment_id}});
}

void SandboxPayFast::notify(const Payment& payment) {
  const std::string m_payment_id = value_of(payment.notification, "m_payment_id");
  const auto fault = world_.faults.take("payfast.itn", m_payment_id);
  if (is_fault(fault, Fault::drop)) return;
  const std::string passphrase = is_fault(fault, Fault::bad_signature) ? passphrase_ + "x" : passphrase_;
  FormFields fields = payment.notification;
  fields.emplace_back("signature", digest::payfast_itn_signature(payment.notification, passphrase));
  HookCall call{.url = value_of(payment.form, "notify_url"),
                .content_type = "application/x-www-form-urlencoded",
                .body = digest::format_form(fields)};
  if (is_fault(fault, Fault::delay)) call.delay = fault->delay;
  if (is_fault(fault, Fault::duplicate)) world_.hooks.send(call);
  world_.hooks.send(std::move(call));
}

SandboxReply SandboxPayFast::validate(const SandboxRequest& request) {
  const FormFields fields = digest::parse_form(request.body);
  const auto found = payments_.find(value_of(fields, "m_payment_id"));
  const auto fault = world_.faults.take("payfast.validate", value_of(fields, "m_payment_id"));
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  const bool is_ours = found != payments_.end() && !found->second.notification.empty() &&
                       digest::payfast_itn_parameters(found->second.notification) == request.body;
  const bool says_valid = is_ours && !is_fault(fault, Fault::refuse);
  return reply_after_effect(fault, text_reply(200, says_valid ? "VALID" : "INVALID"));
}

SandboxReply SandboxPayFast::history(const SandboxRequest& request) {
  const auto fault = world_.faults.take("payfast.history", "");
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  FormFields signed_fields;
  for (const char* name : {"merchant-id", "version", "timestamp"})
    signed_fields.emplace_back(name, request.header(name));
  for (const auto& [name, value] : request.query) signed_fields.emplace_back(name, value);
  if (request.header("signature") != digest::payfast_api_signature(signed_fields, passphrase_)) {
    return json_reply(401, {{"code", 401}, {"status", "failed"}});
  }
  std::string csv = "Date,Type,Sign,Party,Gross,Fee,Net,Balance,M Payment ID,PF Payment ID\n";
  for (const auto& [m_payment_id, payment] : payments_) {
    if (value_of(payment.notification, "payment_status") != "COMPLETE") continue;
    csv += "2026-01-01,Payment,Credit,payer," + value_of(payment.notification, "amount_gross") + "," +
           value_of(payment.notification, "amount_fee") + "," + value_of(payment.notification, "amount_net") +
           ",0.00," + m_payment_id + "," + payment.pf_payment_id + "\n";
  }
  return reply_after_effect(fault, {.status = 200, .content_type = "text/csv", .body = csv});
}

}  // namespace orchestrator::tools
