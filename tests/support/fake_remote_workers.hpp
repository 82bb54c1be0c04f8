#pragma once

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "orchestrator/service/remote_workers.hpp"

namespace orchestrator::testing_support {

/// Remote workers' use cases without an engine: hands out what a test has put there, notes what is said.
class FakeRemoteWorkers final : public service::RemoteWorkers {
 public:
  void will_hand_out(std::vector<runtime::ClaimedTask> tasks) {
    const std::lock_guard lock(mutex_);
    tasks_ = std::move(tasks);
  }
  /// The oldest claim that waits gets these.
  void give_to_waiting(std::vector<runtime::ClaimedTask> tasks) {
    Reply<std::vector<runtime::ClaimedTask>> reply;
    {
      const std::lock_guard lock(mutex_);
      for (auto& waiting : waiting_) {
        if (waiting) {
          std::swap(reply, waiting);
          break;
        }
      }
    }
    if (reply) reply(std::move(tasks));
  }
  void will_answer(Result<runtime::TaskAnswer> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  [[nodiscard]] std::vector<runtime::ClaimRequest> claims() const {
    const std::lock_guard lock(mutex_);
    return claims_;
  }
  [[nodiscard]] std::vector<service::ReportTask> reports() const {
    const std::lock_guard lock(mutex_);
    return reports_;
  }
  [[nodiscard]] std::size_t given_back() const {
    const std::lock_guard lock(mutex_);
    return given_back_;
  }

  std::uint64_t claim(runtime::ClaimRequest request, Reply<std::vector<runtime::ClaimedTask>> reply) override {
    std::vector<runtime::ClaimedTask> tasks;
    const bool waits = request.wait > Duration{0};
    {
      const std::lock_guard lock(mutex_);
      tasks = std::exchange(tasks_, {});
      claims_.push_back(std::move(request));
      if (tasks.empty() && waits) {
        waiting_.push_back(std::move(reply));
        return waiting_.size();
      }
    }
    reply(std::move(tasks));
    return 0;
  }
  void stop_claim(std::uint64_t number) override {
    Reply<std::vector<runtime::ClaimedTask>> reply;
    {
      const std::lock_guard lock(mutex_);
      if (number == 0 || number > waiting_.size()) return;
      std::swap(reply, waiting_[number - 1]);
    }
    if (reply) reply(std::vector<runtime::ClaimedTask>{});
  }
  void give_back(std::string /*namespace_name*/, std::vector<runtime::ClaimedTask> tasks) override {
    const std::lock_guard lock(mutex_);
    given_back_ += tasks.size();
  }
  void report(service::ReportTask report, Reply<runtime::TaskAnswer> reply) override {
    Result<runtime::TaskAnswer> answer = runtime::TaskAnswer{};
    {
      const std::lock_guard lock(mutex_);
      reports_.push_back(std::move(report));
      answer = answer_;
    }
    reply(std::move(answer));
  }

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<runtime::ClaimedTask> tasks_;
  Result<runtime::TaskAnswer> answer_ = runtime::TaskAnswer{};
  std::vector<runtime::ClaimRequest> claims_;
  std::vector<service::ReportTask> reports_;
  std::deque<Reply<std::vector<runtime::ClaimedTask>>> waiting_;
  std::size_t given_back_ = 0;
};

}  // namespace orchestrator::testing_support
