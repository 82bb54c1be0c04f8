#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "api/message.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::api {

/// How long somebody stays signed in on the operator page. Source: a night shift.
inline constexpr std::chrono::hours kPageSessionLife{12};
/// Sessions that ended early and are remembered until their time is over; the one that would end first goes first.
inline constexpr std::size_t kMaxEndedPageSessions = 10'000;
inline constexpr std::string_view kPageCookie = "orchestrator_session";

/// Who is signed in on the operator page. The session is a cookie that only the nodes of this installation can read: it
/// holds the API key, sealed with what they share, so it survives restarts, counts on every node, and ends with the key
/// (docs/decisions/0026). Any thread.
class PageSessions {
 public:
  /// `shared_secret` empty: a random one, so that sessions end with the process.
  explicit PageSessions(std::string shared_secret);

  struct Session {
    std::string id;
    std::string key;  ///< the API key; never shown
    Timestamp expires_at;
  };

  /// The session of a request that shows its cookie and no `Authorization`. Nothing without one, and for one that is
  /// over, ended or not ours. forbidden (403) for a call that changes something and comes from another site's page.
  [[nodiscard]] Result<std::optional<Session>> find(const Request& request, Timestamp now) const;

  /// `Set-Cookie` of a new session for this key. `request` tells whether the browser speaks TLS.
  [[nodiscard]] std::string open(std::string_view key, const Request& request, Timestamp now) const;
  /// Ends one early; `Set-Cookie` that takes it from the browser.
  std::string end(const std::optional<Session>& session);

 private:
  const std::string secret_;

  mutable std::mutex mutex_;
  std::set<std::pair<Timestamp, std::string>> ended_;  // Guarded by mutex_.
};

}  // namespace orchestrator::api
