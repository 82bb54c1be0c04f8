#include "orchestrator/app/scratch_database.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "orchestrator/app/watched_store.hpp"
#include "orchestrator/store/postgres/migrate.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"
#include "orchestrator/tools/simulate.hpp"

namespace orchestrator::app {
namespace {

/// Definitions are never deleted: an installation that has none but the simulation's has no other runs.
Status refuse_foreign_work(const std::string& url) {
  auto store = store::postgres::open_postgres(
      {.url = url, .lanes = 1, .load_connections = 1, .page_connections = 1, .step_connections = 1});
  if (!store) return std::move(store).error();
  using Namespaces = std::vector<store::NamespaceRow>;
  const auto namespaces =
      await_answer<Namespaces>([&](store::Done<Namespaces> told) { (*store)->list_namespaces(std::move(told)); });
  if (!namespaces) return namespaces.error();
  for (const store::NamespaceRow& row : *namespaces) {
    using Workflows = std::vector<store::WorkflowSummary>;
    const auto workflows = await_answer<Workflows>(
        [&](store::Done<Workflows> told) { (*store)->list_workflows(row.name, std::move(told)); });
    if (!workflows) return workflows.error();
    for (const store::WorkflowSummary& workflow : *workflows) {
      if (workflow.name == tools::kSimulatedWorkflow) continue;
      return fail(ErrorCode::precondition_failed,
                  "the database has the workflow " + workflow.name + "; a simulation needs one that nobody uses");
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ScratchDatabase>> ScratchDatabase::make(std::int32_t shards) {
  std::unique_ptr<ScratchDatabase> database(new ScratchDatabase);
  std::string folder = std::filesystem::temp_directory_path() / "orchestrator-simulate-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return fail(ErrorCode::unavailable, "cannot make a folder like " + folder);
  database->folder_ = folder;
  auto postgres = tools::PrivatePostgres::start(
      {.data_dir = folder, .max_connections = 50, .shared_buffers_megabytes = 32, .durable = false});
  if (!postgres) return std::move(postgres).error();
  database->url_ = postgres->url();
  database->postgres_ = *std::move(postgres);
  const auto migrated = store::postgres::migrate_up(database->url_, shards);
  if (!migrated) return migrated.error();
  return database;
}

Result<std::unique_ptr<ScratchDatabase>> ScratchDatabase::use(const std::string& url, std::int32_t shards) {
  const auto status = store::postgres::migrate_status(url);
  if (!status) return status.error();
  const bool is_empty =
      std::ranges::none_of(status->migrations, [](const auto& migration) { return migration.applied; });
  if (is_empty) {
    const auto migrated = store::postgres::migrate_up(url, shards);
    if (!migrated) return migrated.error();
  } else if (Status unused = refuse_foreign_work(url); !unused) {
    return std::move(unused).error();
  }
  std::unique_ptr<ScratchDatabase> database(new ScratchDatabase);
  database->url_ = url;
  return database;
}

ScratchDatabase::~ScratchDatabase() {
  // Thrown away in a moment: a PostgreSQL that does not stop in time only leaves its folder behind.
  if (postgres_ && !postgres_->stop()) return;
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace orchestrator::app
