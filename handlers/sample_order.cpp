#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries order_handlers() {
  const StatementStep lock_order{"order.lock", {"@namespace", "order_id"}};
  const StatementStep release_rejected{"order.release_rejected", {"@namespace", "order_id"}};
  const StatementStep recompute{"order.recompute", {"@namespace", "@key", "order_id"}};
  return {
      transactional("order.decide",
                    make_statement_handler(
                        {lock_order,
                         {"order.decide_lines", {"@namespace", "order_id", "decision_id", "outcome", "line_id?"}},
                         release_rejected,
                         recompute})),
      transactional("order.nudge",
                    make_statement_handler({lock_order, {"order.nudge", {"@namespace", "@key", "order_id"}}})),
      transactional("order.buyer_nudge",
                    make_statement_handler(
                        {lock_order, {"order.buyer_nudge", {"@namespace", "@key", "order_id", "interval_seconds"}}})),
      transactional("order.expire",
                    make_statement_handler({lock_order, {"order.expire", {"@namespace", "@key", "order_id"}}})),
      transactional(
          "order.cancel",
          make_statement_handler({lock_order, {"order.cancel", {"@namespace", "@key", "order_id", "request?"}}})),
      transactional("order.force_cancel",
                    make_statement_handler(
                        {lock_order, {"order.force_cancel", {"@namespace", "@key", "order_id", "by", "reason"}}})),
      transactional("order.refuse_cancel",
                    make_statement_handler({{"order.refuse_cancel", {"@namespace", "@key", "order_id"}}})),
      transactional("order.fulfil",
                    make_statement_handler({lock_order, {"order.fulfil", {"@namespace", "@key", "order_id"}}})),

      transactional("dispatch.assign",
                    make_statement_handler({lock_order, {"dispatch.assign", {"@namespace", "@key", "order_id"}}})),
      transactional(
          "dispatch.release",
          make_statement_handler({lock_order, {"dispatch.release", {"@namespace", "order_id", "assignment_id"}}})),
      transactional("dispatch.pick_up",
                    make_statement_handler(
                        {lock_order, {"dispatch.pick_up", {"@namespace", "@key", "order_id", "assignment_id"}}})),
      transactional("dispatch.deliver",
                    make_statement_handler(
                        {lock_order, {"dispatch.deliver", {"@namespace", "@key", "order_id", "assignment_id"}}})),
      transactional("dispatch.fail_delivery",
                    make_statement_handler(
                        {lock_order, {"dispatch.fail_delivery", {"@namespace", "order_id", "assignment_id"}}})),
      transactional(
          "dispatch.return_order",
          make_statement_handler({lock_order, {"dispatch.return_order", {"@namespace", "@key", "order_id"}}})),
      transactional("dispatch.collect_cash",
                    make_statement_handler({lock_order,
                                            {"dispatch.collect_cash",
                                             {"@namespace", "@key", "order_id", "assignment_id", "amount_minor"}}})),
  };
}

}  // namespace orchestrator::samples
