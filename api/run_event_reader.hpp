#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/event_stream.hpp"
#include "orchestrator/base/ids.hpp"
#include "orchestrator/model/history_event.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

/// Puts one run's history into a stream: what is there, then whatever comes, until the run has ended. Reads no faster
/// than the stream is taken, so nothing is lost. Thread-safe.
class RunEventReader : public std::enable_shared_from_this<RunEventReader> {
 public:
  /// @param after seq of the last event that the reader knows; 0: none
  RunEventReader(service::Service& service, std::string namespace_name, RunId run_id, EventId after,
                 const std::shared_ptr<EventStream>& stream)
      : service_(service),
        namespace_name_(std::move(namespace_name)),
        run_id_(run_id),
        stream_(stream),
        after_(after) {}

  /// What the first look found: nothing, for the run has ended and the reader knows all of it; all that there will be;
  /// or a run that goes on.
  enum class Beginning : std::uint8_t { nothing, all, goes_on };
  using Begun = std::function<void(Result<Beginning>)>;

  /// Called once, after the first look. Before look().
  void when_begun(Begun begun) { begun_ = std::move(begun); }
  /// Something may have happened.
  void look();
  /// The same, when a look stopped for want of room.
  void look_again();

 private:
  void read();
  void show(Result<service::HistoryPage> page);
  void begin_without_items(const Begun& begun);
  void finish_look(EventStream& stream, bool has_more);
  void fail(EventStream& stream, const Error& error);

  service::Service& service_;                // Fixed after construction.
  const std::string namespace_name_;         // Fixed after construction.
  const RunId run_id_;                       // Fixed after construction.
  const std::weak_ptr<EventStream> stream_;  // Fixed after construction.
  Begun begun_;                              // Only in the look that is under way.
  EventId after_;                            // Only in the look that is under way.
  bool has_ended_ = false;                   // Only in the look that is under way.

  telemetry::Mutex mutex_;
  bool is_reading_ ORC_GUARDED_BY(mutex_) = false;
  bool must_look_ ORC_GUARDED_BY(mutex_) = false;  ///< something happened while a look was under way
  bool waits_for_room_ ORC_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator::api
