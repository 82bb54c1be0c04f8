#pragma once

#include <functional>
#include <memory>

#include "api/call.hpp"
#include "api/policy.hpp"

namespace orchestrator::api {

struct Context;

/// Stands before the routes: an action that a rule of its namespace speaks of is kept and waits for a second person,
/// everything else goes on. Without rules in the namespace it costs a look at a map.
class SecondPerson {
 public:
  explicit SecondPerson(Context& context) : context_(context) {}

  /// Calls `go_on`, or answers 202 with the request that waits now. A call that was approved goes on.
  void ask(const CallPtr& call, std::function<void()> go_on) const;

 private:
  struct Question;
  using QuestionPtr = std::shared_ptr<Question>;

  void look_at_workflow(const QuestionPtr& question) const;
  void look_at_count(const QuestionPtr& question) const;
  void keep(const QuestionPtr& question, const PolicyRule& rule) const;

  Context& context_;  // Fixed after construction.
};

}  // namespace orchestrator::api
