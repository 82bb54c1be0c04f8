#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/handler/handler.hpp"
#include "orchestrator/model/history_event.hpp"
#include "orchestrator/runtime/messages.hpp"
#include "orchestrator/tools/simulate_mocks.hpp"

namespace orchestrator::app {

/// A signal that the mocks bring.
struct MockedSignal {
  std::string name;
  std::optional<std::string> key;  ///< nothing: addressed to the run
  Payload payload;
  std::string id;  ///< the same for every repetition
};

/// The world around one run, as the mocks file tells it, across the deaths of the run's nodes: what it has done is
/// done, and asked again it answers the same.
class MockedOutside {
 public:
  explicit MockedOutside(tools::Mocks mocks) : mocks_(std::move(mocks)) {}

  /// What a handler answers; nothing when it never does.
  std::optional<Outcome> answer(const Json& input, const TaskContext& context);
  /// What the shard of a child would tell its parent.
  std::vector<runtime::Message> play_child(const runtime::StartMessage& start);

  /// Events of the run that were committed, in order.
  void see(const std::vector<HistoryEvent>& events);
  /// Whose task this idempotency key is: of the step that `event` entered. Before the task is performed.
  void bind(const std::string& idempotency_key, EventId step);
  /// Signals that answer the waits among the events seen since the last call.
  std::vector<MockedSignal> take_signals() { return std::exchange(signals_, {}); }

  [[nodiscard]] const tools::Mocks& mocks() const { return mocks_; }

 private:
  /// One thread of control of the run.
  struct Scope {
    std::string state;
    EventType last_of_task = EventType::ExecutionStarted;
    bool is_suspected = false;                    ///< the inquiry under way was begun by a take-over
    std::optional<tools::MockAnswer> of_attempt;  ///< given, and its outcome not recorded yet
    std::optional<tools::MockAnswer> of_inquiry;  ///< likewise
  };

  void see(const HistoryEvent& event);
  void answer_wait(const HistoryEvent& event, const std::string& state);

  tools::Mocks mocks_;
  std::map<ScopeId, Scope> scopes_;
  std::map<EventId, std::pair<ScopeId, std::string>> entered_;  ///< scope and state by the event that entered it
  std::map<std::string, ScopeId> by_key_;                       ///< whose task an idempotency key is
  std::vector<MockedSignal> signals_;
};

}  // namespace orchestrator::app
