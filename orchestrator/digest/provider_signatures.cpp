#include "orchestrator/digest/provider_signatures.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::digest {
namespace {

/// The order in which PayFast signs a payment form; not the order of the alphabet, nor that of the form.
constexpr std::array<std::string_view, 36> kPayFastFormOrder{
    "merchant_id",
    "merchant_key",
    "return_url",
    "cancel_url",
    "notify_url",
    "notify_method",
    "name_first",
    "name_last",
    "email_address",
    "cell_number",
    "m_payment_id",
    "amount",
    "item_name",
    "item_description",
    "custom_int1",
    "custom_int2",
    "custom_int3",
    "custom_int4",
    "custom_int5",
    "custom_str1",
    "custom_str2",
    "custom_str3",
    "custom_str4",
    "custom_str5",
    "email_confirmation",
    "confirmation_address",
    "currency",
    "payment_method",
    "subscription_type",
    "billing_date",
    "recurring_amount",
    "frequency",
    "cycles",
    "subscription_notify_email",
    "subscription_notify_webhook",
    "subscription_notify_buyer",
};

constexpr std::string_view kSignatureField = "signature";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank{" \t\n\r\v\0", 6};
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::size_t form_rank(const std::string& name) {
  return static_cast<std::size_t>(std::find(kPayFastFormOrder.begin(), kPayFastFormOrder.end(), name) -
                                  kPayFastFormOrder.begin());
}

void append_pair(std::string& text, std::string_view name, std::string_view value) {
  if (!text.empty()) text += '&';
  text += form_urlencode(name);
  text += '=';
  text += form_urlencode(value);
}

void append_passphrase(std::string& text, std::string_view passphrase) {
  if (!trim(passphrase).empty()) append_pair(text, "passphrase", trim(passphrase));
}

std::string with_index(std::string_view signed_text, int index) {
  return to_hex(hash(Algorithm::sha256, signed_text)) + "###" + std::to_string(index);
}

}  // namespace

FormFields parse_form(std::string_view body) {
  FormFields fields;
  while (!body.empty()) {
    const auto piece = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), piece.size() + 1));
    if (piece.empty()) continue;
    const auto equals = piece.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1);
    fields.emplace_back(form_urldecode(piece.substr(0, equals)), form_urldecode(value));
  }
  return fields;
}

std::string format_form(const FormFields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) append_pair(text, name, value);
  return text;
}

std::string payfast_form_signature(const FormFields& fields, std::string_view passphrase) {
  std::multimap<std::size_t, const FormFields::value_type*> ordered;
  for (const auto& field : fields) ordered.emplace(form_rank(field.first), &field);
  std::string text;
  for (const auto& [rank, field] : ordered) {
    if (field->first == kSignatureField || trim(field->second).empty()) continue;
    append_pair(text, field->first, trim(field->second));
  }
  append_passphrase(text, passphrase);
  return to_hex(hash(Algorithm::md5, text));
}

std::string payfast_itn_parameters(const FormFields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (name == kSignatureField) break;
    append_pair(text, name, value);
  }
  return text;
}

std::string payfast_itn_signature(const FormFields& fields, std::string_view passphrase) {
  std::string text = payfast_itn_parameters(fields);
  append_passphrase(text, passphrase);
  return to_hex(hash(Algorithm::md5, text));
}

std::string payfast_api_signature(FormFields fields, std::string_view passphrase) {
  std::erase_if(fields, [](const auto& field) { return field.first == kSignatureField || field.first == "testing"; });
  if (!trim(passphrase).empty()) fields.emplace_back("passphrase", trim(passphrase));
  std::sort(fields.begin(), fields.end());
  return to_hex(hash(Algorithm::md5, format_form(fields)));
}

std::string phonepe_v1_request_verify(std::string_view base64_body, std::string_view path, const PhonePeSalt& salt) {
  std::string signed_text{base64_body};
  signed_text += path;
  signed_text += salt.key;
  return with_index(signed_text, salt.index);
}

std::string phonepe_v1_callback_verify(std::string_view base64_response, const PhonePeSalt& salt) {
  return phonepe_v1_request_verify(base64_response, {}, salt);
}

std::string phonepe_v2_authorization(std::string_view username, std::string_view password) {
  std::string signed_text{username};
  signed_text += ':';
  signed_text += password;
  return to_hex(hash(Algorithm::sha256, signed_text));
}

}  // namespace orchestrator::digest
