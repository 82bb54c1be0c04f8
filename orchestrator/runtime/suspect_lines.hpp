#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "orchestrator/runtime/group_state.hpp"
#include "orchestrator/runtime/queue_rules.hpp"

namespace orchestrator::runtime {

/// How far the number of suspects in hand grows while none of them kills: what is beside one that does then is inquired
/// about, or tried again, as if it had been in hand with it at first.
inline constexpr int kMostSuspects = 256;

/// The suspects of a group (I-17): tasks that may have been in hand when a node died, each in its queue's line. A few
/// are in hand at a time, and twice as many each time that as many have come back: a hundred thousand jobs that only
/// stood in a queue are soon no suspects any more. Queues whose tasks may have to wait for a limit have a share each,
/// so that what waits there keeps nobody else; all others have one together. Only on the group's strand; no locks, no
/// clock.
class SuspectLines {
 public:
  struct Line {
    QueueName queue;
    bool may_wait = false;  ///< for a limit, once it is handed out
    auto operator<=>(const Line&) const = default;
  };
  struct Next {
    SuspectTask task;
    bool alone = false;
  };

  /// @param most_in_hand of each share, at first
  explicit SuspectLines(int most_in_hand) : first_in_hand_(most_in_hand), most_in_hand_(most_in_hand) {}

  /// Somebody died: from now on a few again.
  void begin_anew();

  void add(const Line& line, SuspectTask task);
  /// Takes the next one to go out, and counts it in hand: queues take turns. What must go out alone goes when nothing
  /// else may.
  /// @param may_begin false for a queue that is paused: its suspects stay
  /// @param begin_alone asked once before a task that goes alone; false: not now
  std::optional<Next> take(const std::function<bool(const QueueName&)>& may_begin,
                           const std::function<bool()>& begin_alone);
  /// Whether the last take() found only what must go out alone, and could not.
  [[nodiscard]] bool waits_for_alone() const { return waits_for_alone_; }
  /// Nothing when it is not in hand; else whether it went out alone.
  std::optional<bool> put_down(const HoldKey& key);

  [[nodiscard]] bool has_waiting(ShardId shard) const;
  void forget_waiting(ShardId shard);
  [[nodiscard]] std::vector<HoldKey> in_hand(ShardId shard) const;
  /// What waits, by queue; queues without any are not there.
  [[nodiscard]] std::map<QueueName, std::int64_t> waiting() const;
  [[nodiscard]] bool empty() const { return lines_.empty(); }

 private:
  struct Waiting {
    std::deque<SuspectTask> tasks;
    std::deque<SuspectTask> alone;
  };
  struct InHand {
    bool alone = false;
    std::optional<Line> share;  ///< empty: the common one
  };
  static std::optional<Line> share_of(const Line& line) { return line.may_wait ? std::optional(line) : std::nullopt; }
  Next count(const Line& line, std::deque<SuspectTask>& from, bool alone);

  const int first_in_hand_;
  int most_in_hand_;               ///< of each share
  int came_back_ = 0;              ///< since most_in_hand_ is what it is
  std::map<Line, Waiting> lines_;  ///< none is empty
  std::optional<Line> last_;       ///< whose turn it was
  std::map<HoldKey, InHand> in_hand_;
  std::map<std::optional<Line>, int> in_hand_by_share_;
  bool waits_for_alone_ = false;
};

}  // namespace orchestrator::runtime
