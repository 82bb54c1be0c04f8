#include "api/run_event_reader.hpp"

#include "api/limits.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

/// Read at once. Source: each may be as large as a payload.
constexpr std::int32_t kStreamedPageItems = 50;

/// Whether a history that ends with this event is a whole life. An operator's retry begins another one.
bool is_end(const std::string& type) {
  return type == "ExecutionSucceeded" || type == "ExecutionFailed" || type == "ExecutionTimedOut" ||
         type == "ExecutionAborted";
}

}  // namespace

void RunEventReader::look() {
  {
    const telemetry::MutexLock lock(mutex_);
    must_look_ = true;
    if (std::exchange(is_reading_, true)) return;
    must_look_ = false;
    waits_for_room_ = false;
  }
  read();
}

void RunEventReader::look_again() {
  {
    const telemetry::MutexLock lock(mutex_);
    if (!waits_for_room_) return;
  }
  look();
}

void RunEventReader::read() {
  const std::string cursor = after_ == 0 ? std::string{} : std::to_string(after_);
  service_.read_history(
      namespace_name_, run_id_, kStreamedPageItems, cursor,
      [self = shared_from_this()](Result<service::HistoryPage> page) { self->show(std::move(page)); });
}

void RunEventReader::show(Result<service::HistoryPage> page) {
  const auto stream = stream_.lock();
  if (stream == nullptr) return;
  // The reader comes back with the place that it has, and finds the history again.
  if (!page) return fail(*stream, page.error());
  for (const Json& item : page->items) {
    const std::string type = string_member(item, "type");
    after_ = item.at("seq").get<EventId>();
    has_ended_ = is_end(type);
    stream->keep(std::to_string(after_), type, dump_json(item));
  }
  const bool has_more = page->next_cursor.has_value();
  const auto begun = std::exchange(begun_, nullptr);
  if (begun && page->items.empty()) return begin_without_items(begun);
  if (begun) begun(has_ended_ && !has_more ? Beginning::all : Beginning::goes_on);
  finish_look(*stream, has_more);
}

void RunEventReader::begin_without_items(const Begun& begun) {
  service_.read_run(namespace_name_, run_id_,
                    [self = shared_from_this(), begun](const Result<service::RunReading>& reading) {
                      if (!reading) return begun(reading.error());
                      begun(is_closed(reading->view.state) ? Beginning::nothing : Beginning::goes_on);
                      const auto stream = self->stream_.lock();
                      if (stream != nullptr) self->finish_look(*stream, false);
                    });
}

void RunEventReader::finish_look(EventStream& stream, bool has_more) {
  if (has_ended_ && !has_more) return stream.end();
  bool reads_on = false;
  {
    const telemetry::MutexLock lock(mutex_);
    if (has_more && !stream.has_room()) {
      waits_for_room_ = true;
      is_reading_ = false;
    } else if (has_more || must_look_) {
      must_look_ = false;
      reads_on = true;
    } else {
      is_reading_ = false;
    }
  }
  if (reads_on) read();
}

void RunEventReader::fail(EventStream& stream, const Error& error) {
  if (const auto begun = std::exchange(begun_, nullptr)) return begun(error);
  stream.end();
}

}  // namespace orchestrator::api
