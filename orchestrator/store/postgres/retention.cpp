#include "orchestrator/store/postgres/retention.hpp"

#include <utility>
#include <vector>

#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {
namespace {

/// Batches wait behind us for the table while we wait for it: not longer than this, and then try again.
constexpr const char* kLockPatience = "100ms";
constexpr int kLockTries = 10;
constexpr std::string_view kLockNotAvailable = "55P03";

SessionOptions session_options(std::string url) {
  SessionOptions options;
  options.url = std::move(url);
  options.application_name = "orchestrator-retention";
  options.statement_timeout = std::chrono::minutes{5};
  return options;
}

/// One sweep over one connection.
class Sweep {
 public:
  Sweep(Session& session, const RetentionLimits& limits, const std::function<bool()>& goes_on)
      : session_(session), limits_(limits), goes_on_(goes_on) {}

  Result<RetentionReport> run() {
    if (Status status = begin(); !status || !report_.swept) return finished(std::move(status));
    if (limits_.runs.count() > 0) {
      const Timestamp before = now_ - limits_.runs;
      const Status done =
          all({[&] { return drop("old_closed_days", "drop_closed_day", before); },
               [&] { return drop("old_journal_weeks", "drop_journal_week", before); },
               [&] { return leftovers("delete_old_leftovers", before); },
               [&] { return leftovers("delete_orphaned_journal", before); },
               [&] { return by_shard("delete_orphaned_checkpoints", before, report_.leftovers_deleted); }});
      if (!done) return done.error();
    }
    Status done = by_shard("delete_old_signals", now_ - limits_.signals, report_.signals_deleted);
    if (done && limits_.deliveries.count() > 0) {
      done = by_shard("delete_old_deliveries", now_ - limits_.deliveries, report_.deliveries_deleted);
    }
    if (done) done = answers(now_ - limits_.answers);
    return finished(std::move(done));
  }

 private:
  template <typename Steps>
  Status all(const Steps& steps) {
    for (const auto& step : steps) {
      if (Status status = step(); !status) return status;
    }
    return {};
  }
  Status all(std::initializer_list<std::function<Status()>> steps) {
    return all(std::vector<std::function<Status()>>(steps));
  }

  Result<RetentionReport> finished(Status status) {
    // The lock goes with the session.
    session_.disconnect();
    if (!status) return std::move(status).error();
    return report_;
  }

  Status begin() {
    return session_.run<void>(Mode::read, [&](Transaction& transaction) -> Status {
      report_.swept = RowReader(transaction.execute("try_lock_retention")[0]).boolean();
      now_ = RowReader(transaction.execute("read_clock")[0]).time();
      shard_count_ = RowReader(transaction.execute("read_shard_count")[0]).integer();
      return {};
    });
  }

  /// Every partition that `list` names, oldest first, each in a transaction of its own.
  Status drop(const char* list, const char* drop_one, Timestamp before) {
    using Names = std::vector<std::string>;
    auto names = session_.run<Names>(Mode::read, [&](Transaction& transaction) -> Result<Names> {
      Names found;
      Parameters parameters;
      parameters.micros(before);
      for (const auto& row : transaction.execute(list, std::move(parameters))) found.push_back(RowReader(row).text());
      return found;
    });
    if (!names) return std::move(names).error();
    for (const std::string& name : *names) {
      if (!goes_on_()) return {};
      if (Status status = drop_partition(name, drop_one, before); !status) return status;
    }
    return {};
  }

  Status drop_partition(const std::string& name, const char* drop_one, Timestamp before) {
    for (int tries = 1;; ++tries) {
      std::optional<std::int64_t> moved;
      Status status = session_.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
        Parameters patience;
        patience.text(kLockPatience);
        transaction.execute("local_lock_timeout", std::move(patience));
        Parameters parameters;
        parameters.text(name).micros(before).integer(kMaxMovedRuns);
        moved = RowReader(transaction.execute(drop_one, std::move(parameters))[0]).optional_bigint();
        return {};
      });
      if (status) {
        ++(moved ? report_.partitions_dropped : report_.partitions_kept);
        report_.runs_moved += moved.value_or(0);
        return {};
      }
      const bool is_busy = sqlstate_of(status.error()) == kLockNotAvailable;
      if (!is_busy) return status;
      if (tries == kLockTries || !goes_on_()) {
        ++report_.partitions_kept;
        return {};
      }
    }
  }

  static std::string sqlstate_of(const Error& error) {
    for (const auto& [name, value] : error.members) {
      if (name == "sqlstate") return value;
    }
    return {};
  }

  Status leftovers(const char* statement, Timestamp before) {
    for (std::int64_t deleted = kRetentionChunk; deleted == kRetentionChunk && goes_on_();) {
      Status status = session_.run<void>(Mode::write, [&](Transaction& transaction) -> Status {
        Parameters parameters;
        parameters.micros(before).integer(kRetentionChunk);
        deleted = static_cast<std::int64_t>(transaction.execute(statement, std::move(parameters)).affected_rows());
        return {};
      });
      if (!status) return status;
      report_.leftovers_deleted += deleted;
    }
    return {};
  }

  /// Each shard's rows in order of their ids, chunk by chunk: what was deleted is not walked again.
  Status by_shard(const char* statement, Timestamp before, std::int64_t& total) {
    for (std::int32_t shard = 0; shard < shard_count_; ++shard) {
      RunId behind;
      for (std::int64_t looked_at = kRetentionChunk; looked_at == kRetentionChunk;) {
        if (!goes_on_()) return {};
        Status status = session_.run<void>(Mode::write, [&](Transaction& transaction) -> Status {
          Parameters parameters;
          parameters.integer(shard).micros(before).id(behind).integer(kRetentionChunk);
          const pqxx::result rows = transaction.execute(statement, std::move(parameters));
          RowReader reader(rows[0]);
          looked_at = reader.bigint();
          if (const auto last = reader.optional_id<RunTag>()) behind = *last;
          total += reader.bigint();
          return {};
        });
        if (!status) return status;
      }
    }
    return {};
  }

  Status answers(Timestamp before) {
    std::int64_t from = 0;
    for (std::int64_t deleted = kRetentionChunk; deleted == kRetentionChunk && goes_on_();) {
      Status status = session_.run<void>(Mode::write, [&](Transaction& transaction) -> Status {
        Parameters parameters;
        parameters.micros(before).integer(from).integer(kRetentionChunk);
        const pqxx::result rows = transaction.execute("delete_old_idempotency", std::move(parameters));
        RowReader reader(rows[0]);
        deleted = reader.bigint();
        from = reader.bigint();
        return {};
      });
      if (!status) return status;
      report_.answers_deleted += deleted;
    }
    return {};
  }

  Session& session_;
  const RetentionLimits& limits_;
  const std::function<bool()>& goes_on_;
  RetentionReport report_;
  Timestamp now_{};
  std::int32_t shard_count_ = 0;
};

}  // namespace

RetentionSweeper::RetentionSweeper(std::string url)
    : session_(std::make_unique<Session>(session_options(std::move(url)))) {}
RetentionSweeper::~RetentionSweeper() = default;

Result<RetentionReport> RetentionSweeper::sweep(const RetentionLimits& limits, const std::function<bool()>& goes_on) {
  return Sweep(*session_, limits, goes_on).run();
}

}  // namespace orchestrator::store::postgres
