#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator::samples {

/// A received payment in PayFast's transaction history; amounts as decimal text.
struct HistoryEntry {
  std::string pf_payment_id;
  std::string gross;
  std::string fee;
};

/// The credit of `m_payment_id` in the history's CSV text, or nothing when it is not there. Columns are found by
/// their heading. invalid_argument when a heading that is needed is missing.
Result<std::optional<HistoryEntry>> find_payment_in_history(std::string_view csv, std::string_view m_payment_id);

}  // namespace orchestrator::samples
