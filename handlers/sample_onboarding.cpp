#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries onboarding_handlers() {
  const StatementStep lock_payment{"plan_payment.lock", {"@namespace", "merchant_order_id"}};
  return {
      transactional("profile.ensure",
                    make_statement_handler({{"profile.ensure", {"@namespace", "@key", "user_id", "email"}}})),
      transactional("journey.stage", make_statement_handler(
                                         {{"journey.stage", {"@namespace", "@key", "user_id", "stage", "blocker?"}}})),

      transactional("plan_payment.create",
                    make_statement_handler({{"plan_payment.create",
                                             {"@namespace", "@key", "merchant_order_id", "order_id", "workspace_id",
                                              "plan", "amount_minor"}}})),
      transactional(
          "plan_payment.keep_redirect",
          make_statement_handler({{"plan_payment.keep_redirect",
                                   {"@namespace", "merchant_order_id", "provider_order_id?", "redirect_url?"}}})),
      transactional(
          "plan_payment.activate",
          make_statement_handler(
              {lock_payment, {"plan_payment.activate", {"@namespace", "@key", "merchant_order_id", "late"}}})),
      transactional("plan_payment.close",
                    make_statement_handler(
                        {lock_payment, {"plan_payment.close", {"@namespace", "@key", "merchant_order_id", "state"}}})),
      transactional(
          "plan_payment.refund",
          make_statement_handler({lock_payment, {"plan_payment.refund", {"@namespace", "@key", "merchant_order_id"}}})),

      transactional("onboarding.open",
                    make_statement_handler({{"onboarding.open", {"@namespace", "@key", "workspace_id"}}})),
      transactional(
          "onboarding.save",
          make_statement_handler({{"onboarding.save", {"@namespace", "workspace_id", "version", "answers"}}})),
      transactional("onboarding.submit",
                    make_statement_handler({{"onboarding.submit", {"@namespace", "@key", "workspace_id", "answers"}}})),
      transactional("onboarding.reopen",
                    make_statement_handler({{"onboarding.reopen", {"@namespace", "workspace_id"}}})),
      transactional("onboarding.abandon",
                    make_statement_handler({{"onboarding.abandon", {"@namespace", "@key", "workspace_id"}}})),
      transactional("onboarding.clear", make_statement_handler({{"onboarding.clear", {"@namespace", "workspace_id"}}})),
  };
}

}  // namespace orchestrator::samples
