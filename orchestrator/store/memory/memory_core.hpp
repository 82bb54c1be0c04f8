#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/store/memory/memory_database.hpp"
#include "orchestrator/store/memory/memory_store.hpp"

namespace orchestrator::store::memory {

/// What posted work shares with the store.
struct MemoryStore::Core : std::enable_shared_from_this<Core> {
  Core(std::shared_ptr<MemoryDatabase> database_, MemoryOptions options_)
      : database(std::move(database_)), options(std::move(options_)), lanes(static_cast<std::size_t>(options.lanes)) {}

  Fault next_fault(std::string_view operation) { return options.faults ? options.faults(operation) : Fault::none; }

  /// Does `work` on the tables as one operation and hands its answer to `done`, each through post().
  template <typename T, typename Work>
  void run(std::string_view operation, bool writes, Done<T> done, Work work) {
    options.post(
        [self = shared_from_this(), operation, writes, done = std::move(done), work = std::move(work)]() mutable {
          self->answer(std::move(done), self->template perform<T>(operation, writes, work));
        });
  }

  template <typename T>
  void answer(Done<T> done, Result<T> result) {
    options.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  }

  template <typename T, typename Work>
  Result<T> perform(std::string_view operation, bool writes, Work& work) {
    const Fault fault = next_fault(operation);
    const telemetry::MutexLock lock(database->mutex);
    if (stopped) return fail(ErrorCode::unavailable, "the store is stopping");
    if (fault == Fault::unavailable || (fault != Fault::none && !writes)) {
      return fail(ErrorCode::unavailable, "the database is not reachable");
    }
    if (fault == Fault::unknown_undone)
      return fail(ErrorCode::outcome_unknown, "the connection was lost during commit");
    Result<T> result = work(database->tables);
    if (fault == Fault::unknown_done && result) {
      return fail(ErrorCode::outcome_unknown, "the connection was lost during commit");
    }
    return result;
  }

  Result<CommitAnswer> write(Tables& tables, const Batch& batch) const {
    if (options.constraint) {
      if (Status kept = options.constraint(batch); !kept) return std::move(kept).error();
    }
    return memory::commit(tables, batch, options.now());
  }

  struct Commit {
    std::shared_ptr<const Batch> batch;
    Done<CommitAnswer> done;
  };
  /// One committer: batches wait here while one is under way.
  struct Lane {
    std::deque<Commit> waiting;  // Guarded by database->mutex.
    bool busy = false;           // Guarded by database->mutex.
  };

  void enqueue(std::size_t lane, Commit commit) {
    {
      const telemetry::MutexLock lock(database->mutex);
      lanes[lane].waiting.push_back(std::move(commit));
      if (std::exchange(lanes[lane].busy, true)) return;
    }
    commit_next(lane);
  }

  void commit_next(std::size_t lane) {
    options.post([self = shared_from_this(), lane] {
      Commit next;
      {
        const telemetry::MutexLock lock(self->database->mutex);
        next = std::move(self->lanes[lane].waiting.front());
        self->lanes[lane].waiting.pop_front();
      }
      const auto write = [&](Tables& tables) { return self->write(tables, *next.batch); };
      Result<CommitAnswer> result = self->perform<CommitAnswer>("commit", true, write);
      Done<CommitAnswer> done = std::move(next.done);
      self->answer<CommitAnswer>(
          [self, lane, done = std::move(done)](Result<CommitAnswer> answer) {
            done(std::move(answer));
            bool more = false;
            {
              const telemetry::MutexLock lock(self->database->mutex);
              more = !self->lanes[lane].waiting.empty();
              self->lanes[lane].busy = more;
            }
            if (more) self->commit_next(lane);
          },
          std::move(result));
    });
  }

  std::shared_ptr<MemoryDatabase> database;
  const MemoryOptions options;
  std::vector<Lane> lanes;
  std::map<ShardId, std::uint64_t> read_up_to;  // Guarded by database->mutex: arrivals that read_inbox showed.
  bool stopped ORC_GUARDED_BY(database->mutex) = false;
};

}  // namespace orchestrator::store::memory
