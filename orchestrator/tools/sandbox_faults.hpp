#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/sandbox_http.hpp"

namespace orchestrator::tools {

/// What goes wrong with one call to a fake provider, or with one webhook that it sends.
enum class Fault : std::uint8_t {
  delay,                  ///< answers, or sends, `delay_ms` later
  timeout_before_effect,  ///< never answers, and does nothing
  timeout_after_effect,   ///< does it, and never answers
  drop_after_effect,      ///< does it, and closes the connection without an answer
  drop,                   ///< closes the connection; a webhook is not sent
  too_many_requests,      ///< 429 with Retry-After
  server_error,           ///< 500
  duplicate,              ///< webhook: twice
  bad_signature,          ///< webhook: signed with another secret
  wrong_amount,           ///< another amount than asked for
  refuse,                 ///< the provider's own refusal: INVALID, 400, FAILED, a safety stop
};

std::optional<Fault> parse_fault(std::string_view text);

struct ScriptedFault {
  Fault fault = Fault::delay;
  int times = 1;    ///< how many calls it still meets
  std::string key;  ///< only calls about this key; empty: any
  std::chrono::milliseconds delay{1'000};
  int retry_after_seconds = 1;
};

/// The faults that are to come, by operation ("payfast.validate", "phonepe.pay", "payfast.itn", ...), and a count of
/// what really happened, by key. Reordering is two webhooks of which the first has a `delay`.
class FaultScript {
 public:
  /// `{operation, fault, times?, key?, delay_ms?, retry_after_seconds?}`; invalid_argument with a sentence.
  Status add(const Json& entry);
  void clear() { faults_.clear(); }

  /// Takes the first fault that meets this call.
  std::optional<ScriptedFault> take(const std::string& operation, const std::string& key);

 private:
  std::map<std::string, std::deque<ScriptedFault>> faults_;
};

/// Effects of the outside world: a provider that acts twice for one key shows 2.
class EffectCounts {
 public:
  void count(const std::string& key) { ++counts_[key]; }
  [[nodiscard]] Json as_json() const;
  void clear() { counts_.clear(); }

 private:
  std::map<std::string, std::int64_t> counts_;
};

/// The reply that a fault before the effect gives instead of the provider's own; nothing when the call goes on (delay,
/// timeout_after_effect, wrong_amount, refuse).
std::optional<SandboxReply> reply_before_effect(const std::optional<ScriptedFault>& fault);

/// The provider's reply, changed by a fault that lets the effect happen.
SandboxReply reply_after_effect(const std::optional<ScriptedFault>& fault, SandboxReply reply);

bool is_fault(const std::optional<ScriptedFault>& fault, Fault kind);

SandboxReply json_reply(int status, const Json& body);

}  // namespace orchestrator::tools
