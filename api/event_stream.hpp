#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "api/message.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api {

/// The text of one server-sent event. `data` has no line breaks. Source: HTML Living Standard, 9.2.6.
std::string event_text(std::string_view id, std::string_view type, std::string_view data);

/// Server-sent events between the engine, which puts them in, and the session, which takes them out. Holds at most
/// kMaxStreamedBytes that nobody has taken; what comes then is counted and left out, and the reader is told.
/// Thread-safe.
class EventStream final : public BodyStream {
 public:
  /// `left_out` is told how many events were.
  explicit EventStream(std::function<void(std::uint64_t count)> left_out) : left_out_(std::move(left_out)) {}
  ~EventStream() override { EventStream::close(); }

  void begin(std::function<void()> wake) override;
  bool take(std::string& into) override;
  std::string heartbeat() override;
  void close() override;

  /// Adds an event, or leaves it out when there is no room.
  void put(std::string_view id, std::string_view type, std::string_view data);
  /// Adds an event whatever room there is: for those who look at has_room() first.
  void keep(std::string_view id, std::string_view type, std::string_view data);
  /// Says that events were lost before they came here.
  void put_gap(std::string_view place);
  /// Whether put() would take another one.
  [[nodiscard]] bool has_room() const;
  /// Where a reader who comes back begins when nothing else told it. The first one is sent at once, others when it is
  /// quiet.
  void set_place(std::string place);
  /// Nothing comes any more; what is there is still taken.
  void end();

  /// Called after the reader took something. Before begin().
  void when_taken(std::function<void()> taken) { taken_ = std::move(taken); }
  /// Called once, when nobody takes any more. Before begin().
  void when_closed(std::function<void()> closed) { closed_ = std::move(closed); }

 private:
  void append_gap(const char* reason, std::uint64_t count) ORC_REQUIRES(mutex_);
  void wake();

  const std::function<void(std::uint64_t)> left_out_;
  std::function<void()> taken_;   // Fixed before begin().
  std::function<void()> closed_;  // Fixed before begin(), called once.

  mutable telemetry::Mutex mutex_;
  std::function<void()> wake_ ORC_GUARDED_BY(mutex_);
  std::string text_ ORC_GUARDED_BY(mutex_);
  std::string place_ ORC_GUARDED_BY(mutex_);
  std::string told_place_ ORC_GUARDED_BY(mutex_);  ///< the last one in `text_`, ever
  std::uint64_t missed_ ORC_GUARDED_BY(mutex_) = 0;
  bool is_ended_ ORC_GUARDED_BY(mutex_) = false;
  bool is_closed_ ORC_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator::api
