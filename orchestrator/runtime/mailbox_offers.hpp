#pragma once

#include <algorithm>

#include "orchestrator/runtime/group_state.hpp"

namespace orchestrator::runtime {

/// Whether a signal is on its way to this wait. Until the run has answered it gets no second one: that one would be
/// declined, and overtaken by what comes meanwhile.
inline bool has_offer(const Mailbox& mailbox, const store::SignalWaitRow& wait) {
  return std::any_of(mailbox.pending.begin(), mailbox.pending.end(), [&](const store::SignalRow& signal) {
    return signal.fate == store::SignalFate::delivered && signal.run_id == wait.run_id && signal.step == wait.step;
  });
}

}  // namespace orchestrator::runtime
