#include "orchestrator/app/document_fetcher.hpp"

#include <utility>

#include "handlers/http_client.hpp"

namespace orchestrator::app {

DocumentFetcher::~DocumentFetcher() {
  std::thread thread;
  {
    const telemetry::MutexLock lock(mutex_);
    stopping_ = true;
    thread.swap(thread_);
    changed_.notify_all();
  }
  if (thread.joinable()) thread.join();
}

void DocumentFetcher::fetch(std::string url, Done done) {
  const telemetry::MutexLock lock(mutex_);
  asked_.push_back({std::move(url), std::move(done)});
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { serve(); });
  changed_.notify_all();
}

void DocumentFetcher::serve() {
  for (;;) {
    Asked next;
    {
      const telemetry::MutexLock lock(mutex_);
      while (asked_.empty() && !stopping_) changed_.wait(mutex_);
      if (asked_.empty()) return;
      next = std::move(asked_.front());
      asked_.pop_front();
    }
    next.done(stopping_ ? Result<std::string>(fail(ErrorCode::cancelled, "the server is stopping")) : get(next.url));
  }
}

Result<std::string> DocumentFetcher::get(const std::string& url) {
  const handlers::HttpCall call{.method = "GET", .url = url, .headers = {}, .body = {}};
  handlers::HttpOptions options;
  options.cancel_requested = &stopping_;
  options.allow_private = allow_private_;
  handlers::HttpAnswer answer = handlers::send_http(call, options);
  if (answer.end != handlers::HttpEnd::answered) return fail(ErrorCode::unavailable, answer.problem);
  if (answer.status != 200) return fail(ErrorCode::unavailable, "answered with " + std::to_string(answer.status));
  return std::move(answer.body);
}

}  // namespace orchestrator::app
