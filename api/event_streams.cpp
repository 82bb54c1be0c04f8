#include "api/event_streams.hpp"

namespace orchestrator::api {

bool EventStreams::enter() {
  if (open_.fetch_add(1) >= most_) {
    open_.fetch_sub(1);
    return false;
  }
  if (report_) report_({.opened = 1});
  return true;
}

void EventStreams::leave() {
  open_.fetch_sub(1);
  if (report_) report_({.closed = 1});
}

void EventStreams::left_out(std::uint64_t count) const {
  if (report_) report_({.left_out = count});
}

}  // namespace orchestrator::api
