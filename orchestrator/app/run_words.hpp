#pragma once

#include <string>
#include <vector>

#include "orchestrator/app/page.hpp"
#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::app {

/// One item of `waiting_on` as a sentence: `signal "paid" with key 42 in WaitForPayment, for 4 min 05 s, until 12:00
/// (in 2 h 05 min)`.
std::string wait_in_words(const Json& wait, Timestamp now);

/// All items of a run's `waiting_on`; empty when it waits for nothing.
std::vector<std::string> waits_in_words(const Json& run, Timestamp now);

/// The same in a line for lists, without when it ends; "-" when it waits for nothing.
std::string waits_in_short(const Json& run, Timestamp now);

/// "Provider.Unavailable: the gateway said 503"; "-" without an error.
std::string error_in_words(const Json& run);

/// A queue's limits: "5 in flight, 100 starts per 60 s"; "-" when there are none.
std::string limits_in_words(const Json& limits);

/// How good or bad a run's state is.
Tone tone_of_state(const std::string& state);

}  // namespace orchestrator::app
