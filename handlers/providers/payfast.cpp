#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "handlers/providers/exchange.hpp"
#include "handlers/providers/payfast_history.hpp"
#include "handlers/sample_groups.hpp"
#include "handlers/sample_money.hpp"
#include "handlers/sample_statements.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/provider_signatures.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

using digest::FormFields;

constexpr std::int64_t kMaxAmountMinor = 100'000'000'000;
/// A validate call is a read; it need not wait as long as a payment would.
constexpr std::chrono::milliseconds kValidateTimeout{10'000};

/// The order in which PayFast writes a notification. The JSON document that reached the run has lost it.
constexpr std::array<std::string_view, 25> kItnOrder = {
    "m_payment_id",  "pf_payment_id", "payment_status", "item_name",    "item_description",
    "amount_gross",  "amount_fee",    "amount_net",     "custom_str1",  "custom_str2",
    "custom_str3",   "custom_str4",   "custom_str5",    "custom_int1",  "custom_int2",
    "custom_int3",   "custom_int4",   "custom_int5",    "name_first",   "name_last",
    "email_address", "merchant_id",   "token",          "billing_date", "signature"};

FormFields in_itn_order(const Json& fields) {
  FormFields ordered;
  for (const std::string_view name : kItnOrder) {
    const auto found = fields.find(name);
    if (found != fields.end() && found->is_string()) ordered.emplace_back(name, found->get<std::string>());
  }
  return ordered;
}

/// The first empty setting that the payment form needs.
std::optional<std::string_view> missing_for_form(const PayFastSettings& settings) {
  if (settings.url.empty()) return "ORCHESTRATOR_PAYFAST_URL";
  if (settings.merchant_id.empty()) return "ORCHESTRATOR_PAYFAST_MERCHANT_ID";
  if (settings.merchant_key.empty()) return "ORCHESTRATOR_PAYFAST_MERCHANT_KEY";
  if (settings.notify_url.empty()) return "ORCHESTRATOR_PAYFAST_NOTIFY_URL";
  return std::nullopt;
}

struct FormInput {
  std::string m_payment_id;
  std::string item_name;
  std::int64_t amount_minor = 0;
  std::optional<std::string> return_url;
  std::optional<std::string> cancel_url;

  static FormInput read(InputReader& reader) {
    return {.m_payment_id = reader.text("m_payment_id"),
            .item_name = reader.text("item_name"),
            .amount_minor = reader.integer("amount_minor", {1, static_cast<double>(kMaxAmountMinor)}),
            .return_url = reader.optional_text("return_url"),
            .cancel_url = reader.optional_text("cancel_url")};
  }
};

/// The signed fields that the payer's browser posts, kept in the payment so that the same form can be shown again.
Outcome sign_form(const PayFastSettings& settings, const FormInput& input, TaskContext& context, Sql& sql) {
  if (const auto missing = missing_for_form(settings)) return not_configured(*missing);
  FormFields fields = {{"merchant_id", settings.merchant_id},
                       {"merchant_key", settings.merchant_key},
                       {"return_url", input.return_url.value_or("")},
                       {"cancel_url", input.cancel_url.value_or("")},
                       {"notify_url", settings.notify_url},
                       {"m_payment_id", input.m_payment_id},
                       {"amount", format_minor_units(input.amount_minor)},
                       {"item_name", input.item_name},
                       {"custom_str1", context.namespace_name}};
  Json form = Json::object();
  for (const auto& [name, value] : fields) {
    if (!value.empty()) form[name] = value;
  }
  form["signature"] = digest::payfast_form_signature(fields, settings.passphrase);
  const Json kept = {{"action", settings.url + "/eng/process"}, {"fields", std::move(form)}};
  auto rows =
      sql.execute(statement("payment.keep_form"), {context.namespace_name, input.m_payment_id, dump_json(kept)});
  if (!rows) return failed_statement(rows.error());
  if (rows->empty()) return Outcome::failed("Backend.NotFound", "no such payment", false);
  auto stored = parse_json(rows->text(0, "result"));
  if (!stored) return Outcome::failed("Backend.InvalidData", stored.error().message, false);
  return Outcome::completed(make_payload(std::move(*stored)));
}

struct ValidateInput {
  Json fields;

  static ValidateInput read(InputReader& reader) {
    ValidateInput input;
    const Json* fields = reader.value("fields");
    if (fields != nullptr) input.fields = *fields;
    if (!input.fields.is_object()) reader.refuse("fields", "must be the notification's fields");
    return input;
  }
};

/// Asks PayFast whether it really sent this notification: `{verdict: VALID|INVALID}`.
Outcome validate(const SampleSettings& settings, const ValidateInput& input, TaskContext& context) {
  if (settings.payfast.url.empty()) return not_configured("ORCHESTRATOR_PAYFAST_URL");
  const handlers::HttpCall call{.method = "POST",
                                .url = settings.payfast.url + "/eng/query/validate",
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                                .body = digest::payfast_itn_parameters(in_itn_order(input.fields))};
  Exchange answer = exchange(settings, context, call, Repeat::harmless, kValidateTimeout);
  if (answer.failed()) return std::move(*answer.failure);
  const std::string_view word = std::string_view(answer.body).substr(0, answer.body.find_first_of("\r\n "));
  if (word != "VALID" && word != "INVALID") return unreadable_answer("PayFast");
  return Outcome::completed(make_payload({{"verdict", word}}));
}

struct HistoryInput {
  std::string m_payment_id;
  std::string from;
  std::string to;

  static HistoryInput read(InputReader& reader) {
    return {.m_payment_id = reader.text("m_payment_id"), .from = reader.text("from"), .to = reader.text("to")};
  }
};

/// Looks a payment up in the account's history: `{found, paid}`, `paid` in the words of a notification.
Outcome find_in_history(const SampleSettings& settings, const HistoryInput& input, TaskContext& context) {
  if (settings.payfast.url.empty()) return not_configured("ORCHESTRATOR_PAYFAST_URL");
  if (settings.payfast.merchant_id.empty()) return not_configured("ORCHESTRATOR_PAYFAST_MERCHANT_ID");
  // Days, as the call takes them; the day of `to` is included.
  const std::string from = input.from.substr(0, 10);
  const std::string to = input.to.substr(0, 10);
  const std::string timestamp = to_rfc3339(context.now).substr(0, 19) + "+00:00";
  const FormFields signed_fields = {{"merchant-id", settings.payfast.merchant_id},
                                    {"version", "v1"},
                                    {"timestamp", timestamp},
                                    {"from", from},
                                    {"to", to}};
  const handlers::HttpCall call{
      .method = "GET",
      .url = settings.payfast.url + "/transactions/history?from=" + from + "&to=" + to,
      .headers = {{"merchant-id", settings.payfast.merchant_id},
                  {"version", "v1"},
                  {"timestamp", timestamp},
                  {"signature", digest::payfast_api_signature(signed_fields, settings.payfast.passphrase)}}};
  Exchange answer = exchange(settings, context, call, Repeat::harmless);
  if (answer.failed()) return std::move(*answer.failure);
  auto entry = find_payment_in_history(answer.body, input.m_payment_id);
  if (!entry) return unreadable_answer("PayFast");
  if (!*entry) return Outcome::completed(make_payload({{"found", false}}));
  const Json paid = {{"m_payment_id", input.m_payment_id}, {"pf_payment_id", (*entry)->pf_payment_id},
                     {"payment_status", "COMPLETE"},       {"amount_gross", (*entry)->gross},
                     {"amount_fee", (*entry)->fee},        {"merchant_id", settings.payfast.merchant_id}};
  return Outcome::completed(make_payload({{"found", true}, {"paid", paid}}));
}

}  // namespace

HandlerEntries payfast_handlers(const SampleSettings& settings) {
  return {
      transactional("payfast.sign_form",
                    typed_transactional_handler<FormInput>(
                        [payfast = settings.payfast](const FormInput& input, TaskContext& context, Sql& sql) {
                          return sign_form(payfast, input, context, sql);
                        })),
      plain("payfast.validate",
            typed_handler<ValidateInput>([settings](const ValidateInput& input, TaskContext& context) {
              return validate(settings, input, context);
            })),
      plain("payfast.find_payment",
            typed_handler<HistoryInput>([settings](const HistoryInput& input, TaskContext& context) {
              return find_in_history(settings, input, context);
            })),
  };
}

}  // namespace orchestrator::samples
