#include "orchestrator/store/postgres/stuck_runs.hpp"

#include <chrono>
#include <utility>

#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {
namespace {

constexpr std::int64_t kChunk = 2'000;
/// A timer fires a second late on a healthy system, and after an outage once its shard has an owner again.
constexpr std::chrono::minutes kOverdue{5};

SessionOptions session_options(std::string url) {
  SessionOptions options;
  options.url = std::move(url);
  options.application_name = "orchestrator-stuck-runs";
  return options;
}

}  // namespace

StuckRunReader::StuckRunReader(std::string url)
    : session_(std::make_unique<Session>(session_options(std::move(url)))) {}
StuckRunReader::~StuckRunReader() = default;

Result<StuckRuns> StuckRunReader::read(const std::function<bool()>& goes_on) {
  StuckRuns found;
  Timestamp now{};
  std::int32_t shard_count = 0;
  Status begun = session_->run<void>(Mode::read, [&](Transaction& transaction) -> Status {
    now = RowReader(transaction.execute("read_clock")[0]).time();
    shard_count = RowReader(transaction.execute("read_shard_count")[0]).integer();
    return {};
  });
  if (!begun) return std::move(begun).error();
  for (std::int32_t shard = 0; shard < shard_count; ++shard) {
    RunId behind;
    for (std::int64_t looked_at = kChunk; looked_at == kChunk && goes_on();) {
      Status status = session_->run<void>(Mode::read, [&](Transaction& transaction) -> Status {
        Parameters parameters;
        parameters.integer(shard).id(behind).integer(kChunk).micros(now - kOverdue);
        for (const auto& row : transaction.execute("stuck_runs", std::move(parameters))) {
          RowReader reader(row);
          looked_at = reader.bigint();
          if (const auto last = reader.optional_id<RunTag>()) behind = *last;
          const auto run_id = reader.optional_id<RunTag>();
          if (!run_id) break;
          ++found.count;
          if (found.examples.size() == kMaxNamedStuckRuns) continue;
          StuckRun run{.run_id = *run_id};
          run.namespace_name = reader.text();
          run.workflow = reader.text();
          run.why = reader.text();
          found.examples.push_back(std::move(run));
        }
        found.looked_at += looked_at;
        return {};
      });
      if (!status) return std::move(status).error();
    }
  }
  return found;
}

}  // namespace orchestrator::store::postgres
