#include "orchestrator_client/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "orchestrator_client/connection.hpp"
#include "orchestrator_client/held_task.hpp"

namespace orchestrator_client {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Held = std::shared_ptr<HeldTask>;  // shared by its slot, the heartbeats and whoever drains

constexpr int kMaxClaim = 500;
constexpr milliseconds kCallPatience{30'000};
/// On top of the server's own wait.
constexpr milliseconds kClaimPatience{15'000};
constexpr milliseconds kFirstClaimPause{100};
constexpr milliseconds kLongestClaimPause{5'000};
/// What a handler gets to react when the time to drain is over.
constexpr std::chrono::seconds kLastMoments{2};
/// Threads that renew leases: one slow answer must not cost the other tasks theirs.
constexpr int kHeartbeatThreads = 4;
/// Longer causes are cut: they are for people.
constexpr std::size_t kMaxCauseBytes = 4'000;

std::string own_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'w', 'o', 'r', 'k', 'e', 'r'};
  // Two workers must not have one name, also after a restart with the same process id.
  return std::string(host.data()) + "-" + std::to_string(::getpid()) + "-" + std::to_string(std::random_device{}());
}

void check(const char* name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return;
  throw std::invalid_argument(std::string(name) + " is " + std::to_string(least) + " to " + std::to_string(most));
}

std::optional<std::string> text_or_nothing(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

Task task_from(const Json& object) {
  Task task;
  task.token = object.at("task_token").get<std::string>();
  task.run_id = object.value("run_id", "");
  task.workflow = text_or_nothing(object, "workflow").value_or("");
  task.step = text_or_nothing(object, "step").value_or("");
  task.handler = object.value("handler", "");
  task.attempt = object.value("attempt", 1);
  task.input = object.value("input", Json());
  task.idempotency_key = text_or_nothing(object, "idempotency_key").value_or("");
  task.deadline = text_or_nothing(object, "deadline");
  task.traceparent = text_or_nothing(object, "traceparent");
  task.heartbeat_details = object.value("heartbeat_details", Json());
  return task;
}

/// A token is opaque: in a path everything but unreserved characters is escaped.
std::string escaped(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

/// Another process claims under this worker's id: going on would only take turns with it.
bool is_name_taken(const Answer& answer) {
  const Json problem = Json::parse(answer.body, nullptr, false);
  return answer.status == 409 && problem.is_object() &&
         text_or_nothing(problem, "type") == std::optional<std::string>("/problems/worker-id-in-use");
}

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Settlement failure(const std::string& error, const std::string& cause, bool retryable,
                   std::optional<Seconds> retry_after = std::nullopt) {
  Settlement settlement{
      .verb = "fail", .body = {{"error", error}, {"cause", cause.substr(0, kMaxCauseBytes)}, {"retryable", retryable}}};
  // Whole seconds, and none too few.
  if (retry_after)
    settlement.body["retry_after_seconds"] = static_cast<std::int64_t>(std::ceil(std::max(0.0, retry_after->count())));
  return settlement;
}

Settlement performed(const Handler& handler, HeldTask& held) {
  TaskContext context(held);
  try {
    Settlement settlement{.verb = "complete"};
    settlement.body["output"] = handler(held.task().input, context);
    return settlement;
  } catch (const TaskFailure& e) {
    return failure(e.error, e.cause, e.retryable, e.retry_after);
  } catch (const Snooze& e) {
    return {.verb = "release", .body = {{"delay_seconds", e.delay.count()}}};
  } catch (const TaskCancelled&) {
    return {.verb = "release"};
  } catch (const std::exception& e) {
    return failure("Worker.HandlerThrew", e.what(), true);
  } catch (...) {
    return failure("Worker.HandlerThrew", "not an exception", true);
  }
}

}  // namespace

WorkerOptions options_from_environment(WorkerOptions options) {
  if (const char* url = std::getenv("ORCHESTRATOR_URL")) options.url = url;
  if (const char* key = std::getenv("ORCHESTRATOR_API_KEY")) options.api_key = key;
  if (const char* name = std::getenv("ORCHESTRATOR_NAMESPACE")) options.namespace_name = name;
  return options;
}

class Worker::Body {
 public:
  explicit Body(WorkerOptions options)
      : options_(std::move(options)), address_(Address::of(options_.url, options_.api_key, options_.namespace_name)) {
    check("concurrency", options_.concurrency, 1, kMaxClaim);
    check("prefetch", options_.prefetch, 0, kMaxClaim);
    check("lease", options_.lease.count(), 1, 3'600);
    check("wait", options_.wait.count(), 0, 60);
    if (options_.worker_id.empty()) options_.worker_id = own_name();
  }

  void handle(const std::string& name, Handler handler) {
    if (!handlers_.emplace(name, std::move(handler)).second)
      throw std::invalid_argument("the handler " + name + " is registered twice");
  }

  void run() {
    if (handlers_.empty()) throw std::invalid_argument("a worker needs a handler");
    std::vector<std::thread> slots;
    for (int i = 0; i < options_.concurrency; ++i) slots.emplace_back([this] { perform_all(); });
    std::vector<std::thread> beats;
    for (int i = 0; i < std::min(kHeartbeatThreads, options_.concurrency + options_.prefetch); ++i)
      beats.emplace_back([this] { beat_all(); });
    claim_all();
    drain();
    {
      const std::lock_guard lock(mutex_);
      is_ended_ = true;
    }
    changed_.notify_all();
    for (auto& thread : slots) thread.join();
    for (auto& thread : beats) thread.join();
    if (refusal_) throw ClaimRefused(refusal_->status, "the server refuses this worker's claims: " + refusal_->body);
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_all();
    claims_.abort();
  }

  [[nodiscard]] const std::string& worker_id() const { return options_.worker_id; }

 private:
  struct Beat {
    Clock::time_point due;
    Held held;
    bool operator<(const Beat& other) const {
      return due != other.due ? due < other.due : held.get() < other.held.get();
    }
  };

  // ---- claims ----

  /// How many more tasks may be held; 0 once the worker stops.
  int await_room() {
    std::unique_lock lock(mutex_);
    const auto room = [this] { return options_.concurrency + options_.prefetch - static_cast<int>(held_.size()); };
    changed_.wait(lock, [&] { return is_stopping_ || room() > 0; });
    return is_stopping_ ? 0 : std::min(room(), kMaxClaim);
  }

  void claim_all() {
    int failures = 0;
    Json names = Json::array();
    for (const auto& [name, handler] : handlers_) names.push_back(name);
    const std::string target = "/v1/queues/" + escaped(options_.queue) + "/claim";
    while (const int room = await_room()) {
      const Json body = {{"worker_id", options_.worker_id},
                         {"instance", instance_},
                         {"handlers", names},
                         {"max_tasks", room},
                         {"wait_seconds", options_.wait.count()},
                         {"lease_seconds", options_.lease.count()}};
      const auto answer = claims_.post(target, text_of(body), options_.wait + kClaimPatience);
      if (answer && answer->status == 200) {
        failures = 0;
        take(answer->body);
        continue;
      }
      if (!is_passing(answer) && (answer->status != 409 || is_name_taken(*answer))) {
        refusal_ = answer;
        return;
      }
      const auto pause = pause_after(++failures, kFirstClaimPause, kLongestClaimPause, answer);
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, pause, [this] { return is_stopping_; });
    }
  }

  void take(const std::string& answer) {
    const Json said = Json::parse(answer, nullptr, false);
    if (!said.is_object() || !said.contains("tasks")) return;
    // A lease begins when the server hands the task out, at the end of the long poll.
    const auto now = Clock::now();
    for (const Json& one : said["tasks"]) {
      auto held = std::make_shared<HeldTask>(task_from(one), options_.lease, now);
      const std::weak_ptr<HeldTask> weak = held;
      held->beat_now = [this, weak] {
        if (const Held mine = weak.lock()) beat_once(mine);
      };
      const std::lock_guard lock(mutex_);
      held_.insert(held);
      ready_.push_back(held);
      beats_.insert({now + held->heartbeat_interval(), held});
    }
    changed_.notify_all();
  }

  // ---- slots ----

  void perform_all() {
    Connection connection(address_);
    for (;;) {
      Held held;
      bool is_unwanted = false;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_ended_ || !ready_.empty(); });
        if (ready_.empty()) return;
        held = std::move(ready_.front());
        ready_.pop_front();
        is_unwanted = is_stopping_;
      }
      const auto handler = handlers_.find(held->task().handler);
      is_unwanted = is_unwanted || held->is_unwanted() || handler == handlers_.end();
      settle(*held, connection, is_unwanted ? Settlement{.verb = "release"} : performed(handler->second, *held));
      {
        const std::lock_guard lock(mutex_);
        held_.erase(held);
        std::erase_if(beats_, [&](const Beat& beat) { return beat.held == held; });
      }
      changed_.notify_all();
    }
  }

  void settle(HeldTask& held, Connection& connection, Settlement settlement) {
    {
      // No heartbeat may overtake the outcome.
      const std::lock_guard lock(mutex_);
      std::erase_if(beats_, [&](const Beat& beat) { return beat.held.get() == &held; });
      settling_.insert(&held);
    }
    while (!held.is_stale()) {
      const auto answer = connection.post(path_of(held, settlement.verb), text_of(settlement.body), kCallPatience);
      const auto pause = held.settlement_answered(answer, settlement);
      if (!pause) break;
      std::this_thread::sleep_for(*pause);
    }
    const std::lock_guard lock(mutex_);
    settling_.erase(&held);
  }

  static std::string path_of(const HeldTask& held, const std::string& verb) {
    return "/v1/tasks/" + escaped(held.task().token) + "/" + verb;
  }

  // ---- leases ----

  void beat_all() {
    Connection connection(address_);
    for (;;) {
      Held held;
      {
        std::unique_lock lock(mutex_);
        while (!held) {
          if (is_ended_) return;
          if (beats_.empty()) {
            changed_.wait(lock);
          } else if (const auto due = beats_.begin()->due; due > Clock::now()) {
            changed_.wait_until(lock, due);
          } else {
            held = beats_.begin()->held;
            beats_.erase(beats_.begin());
          }
        }
      }
      const auto pause = send_beat(held, connection);
      const std::lock_guard lock(mutex_);
      if (pause && held_.contains(held) && !settling_.contains(held.get()))
        beats_.insert({Clock::now() + *pause, held});
      changed_.notify_all();
    }
  }

  void beat_once(const Held& held) {
    Connection connection(address_);
    send_beat(held, connection);
  }

  std::optional<milliseconds> send_beat(const Held& held, Connection& connection) {
    const auto sent_at = Clock::now();
    const auto patience = std::max(milliseconds{500}, held->heartbeat_interval());
    const auto answer = connection.post(path_of(*held, "heartbeat"), text_of(held->heartbeat_body()), patience);
    return held->heartbeat_answered(answer, sent_at);
  }

  // ---- the end ----

  void drain() {
    std::unique_lock lock(mutex_);
    is_stopping_ = true;
    const auto is_idle = [this] { return held_.empty(); };
    if (changed_.wait_for(lock, options_.drain, is_idle)) return;
    for (const Held& held : held_) held->give_up("the worker is stopping");
    changed_.wait_for(lock, kLastMoments, is_idle);
    // What still works is joined: a thread cannot be taken from its handler. Its lease keeps others away meanwhile.
  }

  WorkerOptions options_;
  const Address address_;
  /// Tells two processes apart that were given one worker id.
  const std::string instance_ = std::to_string(std::random_device{}()) + std::to_string(std::random_device{}());
  std::map<std::string, Handler> handlers_;  // Fixed before run().
  Connection claims_{address_};
  std::optional<Answer> refusal_;  // Only on the thread of run().
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool is_stopping_ = false;
  bool is_ended_ = false;
  std::set<Held> held_;
  std::deque<Held> ready_;
  std::set<Beat> beats_;
  std::set<const HeldTask*> settling_;
};

Worker::Worker(WorkerOptions options) : body_(std::make_unique<Body>(std::move(options))) {}
Worker::~Worker() = default;
void Worker::handle(const std::string& name, Handler handler) { body_->handle(name, std::move(handler)); }
void Worker::run() { body_->run(); }
void Worker::stop() { body_->stop(); }
const std::string& Worker::worker_id() const { return body_->worker_id(); }

}  // namespace orchestrator_client
