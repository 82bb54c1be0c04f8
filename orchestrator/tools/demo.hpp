#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/http_client.hpp"

/// Drives the shipped flows against a running server and plays the outside world: buyers, vendors, agents, payers,
/// the back office. The sandbox (sandbox.hpp) plays the providers.
namespace orchestrator::tools {

struct DemoOptions {
  ServerAccess server;
  ServerAccess sandbox;
  /// Prefix of every key, so that two demos on one database do not meet. 1 to 40 letters and digits.
  std::string tag;
  /// wallet, dispute, marketplace, journey; empty: all.
  std::vector<std::string> flows;
  int copies = 1;   ///< of each flow, 1 to 10 000
  int drivers = 8;  ///< copies that are played at the same time, 1 to 64
  /// Each half of a vendor's decision window, 1 to 3600; days in production. Longer than any outage that is meant to
  /// happen, else an order that would be answered expires.
  int decision_seconds = 2;
  bool faults = false;                 ///< lets the sandbox misbehave: lost answers, repeats, outages
  bool tell_stories = true;            ///< prints the history of each flow's first copy
  std::chrono::seconds patience{180};  ///< for each thing that a copy waits for
};

/// What became of one copy of a flow.
struct DemoEnd {
  std::string flow;
  int copy = 0;
  Status status;                     ///< an error says what was not as expected
  std::vector<std::string> run_ids;  ///< in the order in which they began
};

/// Makes the webhook endpoints, seeds stock and agents, plays every copy to its end. Errors: what kept it from playing
/// at all. The ends are for the caller to judge.
Result<std::vector<DemoEnd>> drive(const DemoOptions& options);

/// What must hold afterwards: every effect of the outside happened exactly once, and the sample back end's audit finds
/// nothing. precondition_failed names the first violation.
Status check_aftermath(const DemoOptions& options);

/// `orchestrator demo-drive`: drive, print stories and ends, check the aftermath. 0 only when everything is as
/// expected.
int run_demo(const DemoOptions& options);

}  // namespace orchestrator::tools
