#pragma once

#include <string>

#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::app {

/// A length of time in its two greatest units: "12 ms", "3.250 s", "4 min 05 s", "2 h 05 min", "3 d 04 h". Negative
/// ones count as zero.
std::string in_words(Duration duration);

/// The same in a few characters, for columns: "12ms", "3.2s", "4m05s", "2h05m", "3d04h".
std::string in_short(Duration duration);

/// "4 min 05 s ago", "in 2 h 05 min", "just now" within a second.
std::string relative_to(Timestamp now, Timestamp moment);

/// The same for an RFC 3339 text of the API; as it is when it cannot be read.
std::string relative_to(Timestamp now, const std::string& rfc3339);

}  // namespace orchestrator::app
