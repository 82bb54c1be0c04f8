#pragma once

#include <functional>
#include <memory>

#include "api/call.hpp"
#include "api/idempotency.hpp"
#include "api/policy.hpp"
#include "orchestrator/store/access.hpp"

namespace orchestrator::api {

struct Context;

/// Stands before the routes: an action that a rule of its namespace speaks of is kept and waits for a second person,
/// everything else goes on. What could not be done anyway (a body that is refused, no such run, a run that is over) is
/// refused at once: nobody is asked about it. Without rules in the namespace it costs a look at a map.
class SecondPerson {
 public:
  explicit SecondPerson(Context& context) : context_(context) {}

  /// Calls `go_on`, or answers 202 with the request that waits now. A call that was approved goes on.
  void ask(const CallPtr& call, std::function<void()> go_on) const;

 private:
  struct Question;
  using QuestionPtr = std::shared_ptr<Question>;

  void look_at_signal(const QuestionPtr& question) const;
  void look_at_workflow(const QuestionPtr& question) const;
  void look_at_count(const QuestionPtr& question) const;
  void keep(const QuestionPtr& question, const PolicyRule& rule) const;
  void add(const CallPtr& call, store::ApprovalRow row, const Finish& finish) const;
  static void rehearse(const CallPtr& call, std::function<void(const Response&)> then);

  Context& context_;  // Fixed after construction.
};

}  // namespace orchestrator::api
