#pragma once

#include <functional>

#include "api/call.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/store/access.hpp"

namespace orchestrator::api {

struct Context;
class Router;

/// Carries out what a second person approved: the request as it was made, through the same routes, in the name of
/// whoever made it. However often it is gone on with, it has one effect. Cheap to copy; what it refers to outlives the
/// engine's threads.
class ApprovedRequests {
 public:
  /// @param row as it is then
  /// @param not_yet null, or what the action answered that was not carried out yet: it stays approved
  using Carried = std::function<void(const Result<store::ApprovalRow>& row, const Response* not_yet)>;

  ApprovedRequests(Context& context, const Router& routes) : context_(&context), routes_(&routes) {}

  /// For the first time.
  void perform(const store::ApprovalRow& row, Carried carried) const;
  /// It was begun before, and perhaps it was done: the audit, which is written with the effect, tells.
  void go_on(const store::ApprovalRow& row, Carried carried) const;
  /// Whoever asked must still be somebody: what a revoked key asked for is not done (wrong-state).
  [[nodiscard]] Status still_holds(const store::ApprovalRow& row) const;

 private:
  [[nodiscard]] CallPtr performance_of(const store::ApprovalRow& row) const;
  void finish(const store::ApprovalRow& row, int status, std::string answer, Carried carried) const;

  // Fixed after construction.
  Context* context_;
  const Router* routes_;
};

}  // namespace orchestrator::api
