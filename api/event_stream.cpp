#include "api/event_stream.hpp"

#include <utility>

#include "api/limits.hpp"

namespace orchestrator::api {

std::string event_text(std::string_view id, std::string_view type, std::string_view data) {
  std::string text;
  text.reserve(id.size() + type.size() + data.size() + 24);
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  if (!type.empty()) text.append("event: ").append(type).append("\n");
  if (!data.empty()) text.append("data: ").append(data).append("\n");
  return text.append("\n");
}

void EventStream::begin(std::function<void()> wake) {
  const telemetry::MutexLock lock(mutex_);
  wake_ = std::move(wake);
  // Comes first, so that a reader knows that it listens; browsers come back after that many milliseconds.
  text_.insert(0, ": open\nretry: 1000\n\n");
}

bool EventStream::take(std::string& into) {
  bool goes_on = true;
  bool took = false;
  std::uint64_t missed = 0;
  {
    const telemetry::MutexLock lock(mutex_);
    took = !text_.empty();
    into += text_;
    text_.clear();
    if (missed_ > 0) {
      missed = std::exchange(missed_, 0);
      append_gap("slow_reader", missed);
      into += std::exchange(text_, {});
      took = true;
    }
    goes_on = !is_ended_;
  }
  if (missed > 0 && left_out_) left_out_(missed);
  if (took && taken_) taken_();
  return goes_on;
}

std::string EventStream::heartbeat() {
  const telemetry::MutexLock lock(mutex_);
  // An id without data is no event, but moves the place that the reader names when it comes back.
  if (place_ == told_place_) return ": alive\n\n";
  told_place_ = place_;
  return ": alive\n" + event_text(place_, {}, {});
}

void EventStream::close() {
  {
    const telemetry::MutexLock lock(mutex_);
    if (std::exchange(is_closed_, true)) return;
    is_ended_ = true;
    text_.clear();
    wake_ = nullptr;
  }
  if (closed_) closed_();
}

void EventStream::put(std::string_view id, std::string_view type, std::string_view data) {
  {
    const telemetry::MutexLock lock(mutex_);
    if (is_ended_) return;
    place_ = id;
    // Once something is left out, all is until the reader has been told: else it would not know where.
    if (missed_ > 0 || text_.size() + data.size() > kMaxStreamedBytes) {
      ++missed_;
      return;
    }
    told_place_ = id;
    text_ += event_text(id, type, data);
  }
  wake();
}

void EventStream::keep(std::string_view id, std::string_view type, std::string_view data) {
  {
    const telemetry::MutexLock lock(mutex_);
    if (is_ended_) return;
    place_ = id;
    told_place_ = id;
    text_ += event_text(id, type, data);
  }
  wake();
}

void EventStream::put_gap(std::string_view place) {
  {
    const telemetry::MutexLock lock(mutex_);
    if (is_ended_) return;
    place_ = place;
    if (missed_ == 0) append_gap("behind", 0);
  }
  wake();
}

void EventStream::append_gap(const char* reason, std::uint64_t count) {
  std::string data = std::string(R"({"reason":")") + reason + R"(","count":)";
  data += count == 0 ? "null" : std::to_string(count);
  told_place_ = place_;
  text_ += event_text(place_, "lost", data + "}");
}

bool EventStream::has_room() const {
  const telemetry::MutexLock lock(mutex_);
  return text_.size() < kMaxStreamedBytes / 2;
}

void EventStream::set_place(std::string place) {
  {
    const telemetry::MutexLock lock(mutex_);
    // The first one is told at once: from here on the reader misses nothing.
    if (place_.empty() && !is_ended_) {
      text_ += event_text(place, {}, {});
      told_place_ = place;
    }
    place_ = std::move(place);
  }
  wake();
}

void EventStream::end() {
  {
    const telemetry::MutexLock lock(mutex_);
    is_ended_ = true;
  }
  wake();
}

void EventStream::wake() {
  std::function<void()> wake;
  {
    const telemetry::MutexLock lock(mutex_);
    wake = wake_;
  }
  if (wake) wake();
}

}  // namespace orchestrator::api
