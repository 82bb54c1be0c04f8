#include <cstdlib>
#include <string>

#include "handlers/providers/exchange.hpp"
#include "handlers/sample_groups.hpp"
#include "handlers/sample_money.hpp"
#include "handlers/sample_statements.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

Outcome verdict(std::string_view word, Json more = Json::object()) {
  more["verdict"] = word;
  return Outcome::completed(make_payload(std::move(more)));
}

struct PaidInput {
  std::string m_payment_id;
  Json paid;  ///< the notification's or the history's fields, as strings

  static PaidInput read(InputReader& reader) {
    PaidInput input{.m_payment_id = reader.text("m_payment_id")};
    const Json* paid = reader.value("paid");
    if (paid != nullptr) input.paid = *paid;
    if (paid != nullptr && !paid->is_object()) reader.refuse("paid", "must be an object");
    return input;
  }
};

/// Compares what the provider says was paid with what we asked for: amount (to the cent), merchant, tenant, and that
/// its reference was not used for another payment. A difference is an answer, not a failure.
/// Source: docs/providers.md, "PayFast".
Outcome check_payment(const std::string& merchant_id, const PaidInput& input, TaskContext& context, Sql& sql) {
  constexpr std::int64_t kToleratedMinor = 1;
  const Json& paid = input.paid;
  const std::string pf_payment_id = string_member(paid, "pf_payment_id");
  if (pf_payment_id.empty()) return verdict("reference_missing");

  auto rows = sql.execute(statement("payment.facts"), {context.namespace_name, input.m_payment_id, pf_payment_id});
  if (!rows) return failed_statement(rows.error());
  if (rows->empty()) return verdict("unknown_payment");
  if (rows->at(0, "other_payment")) return verdict("reference_reused", {{"other", rows->text(0, "other_payment")}});
  if (merchant_id.empty()) return not_configured("ORCHESTRATOR_PAYFAST_MERCHANT_ID");
  if (string_member(paid, "merchant_id") != merchant_id) return verdict("merchant_mismatch");
  if (string_member(paid, "custom_str1", context.namespace_name) != context.namespace_name) {
    return verdict("tenant_mismatch");
  }
  const auto gross = parse_minor_units(string_member(paid, "amount_gross"));
  const auto fee = parse_minor_units(string_member(paid, "amount_fee", "0.00"));
  if (!gross || !fee) return verdict("amount_malformed");
  if (std::llabs(*gross - rows->integer(0, "amount_minor")) > kToleratedMinor) return verdict("amount_mismatch");
  return verdict("ok", {{"pf_payment_id", pf_payment_id}, {"gross_minor", *gross}, {"fee_minor", *fee}});
}

}  // namespace

HandlerEntries wallet_handlers(const SampleSettings& settings) {
  return {
      transactional("payment.open", make_statement_handler({{"payment.open",
                                                             {"@namespace", "@key", "m_payment_id", "user_id",
                                                              "amount_minor", "currency", "item_name"}}})),
      transactional("payment.keep_form",
                    make_statement_handler({{"payment.keep_form", {"@namespace", "m_payment_id", "form"}}})),
      transactional("payment.check",
                    typed_transactional_handler<PaidInput>([merchant_id = settings.payfast.merchant_id](
                                                               const PaidInput& input, TaskContext& context, Sql& sql) {
                      return check_payment(merchant_id, input, context, sql);
                    })),
      transactional(
          "payment.close",
          make_statement_handler({{"payment.lock", {"@namespace", "m_payment_id"}},
                                  {"payment.close", {"@namespace", "@key", "m_payment_id", "state", "reason"}}})),
      transactional("wallet.credit", make_statement_handler({{"payment.lock", {"@namespace", "m_payment_id"}},
                                                             {"wallet.credit",
                                                              {"@namespace", "@key", "m_payment_id", "pf_payment_id",
                                                               "gross_minor", "fee_minor", "late"}}})),
      transactional("wallet.recovery",
                    make_statement_handler({{"wallet.lock", {"@namespace", "user_id"}},
                                            {"wallet.recovery", {"@namespace", "@key", "user_id"}}})),
      transactional("wallet.write_off",
                    make_statement_handler({{"wallet.lock", {"@namespace", "user_id"}},
                                            {"wallet.write_off", {"@namespace", "@key", "user_id", "decision"}}})),
  };
}

}  // namespace orchestrator::samples
