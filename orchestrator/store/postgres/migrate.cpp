#include "orchestrator/store/postgres/migrate.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <pqxx/transaction>

#include "orchestrator/base/check.hpp"
#include "orchestrator/base/embedded_file.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {

extern const EmbeddedFile kMigrationFiles[];
extern const unsigned kMigrationFiles_count;

namespace {

Migration parse_file(const EmbeddedFile& file) {
  Migration migration;
  const std::string_view name = file.name;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), migration.version);
  const std::size_t digits = static_cast<std::size_t>(end - name.data());
  ORC_CHECK(problem == std::errc{} && digits == 4 && name.size() > 9 && name[4] == '_' && name.ends_with(".sql"),
            "a migration is named NNNN_words.sql");
  migration.name = std::string(name.substr(5, name.size() - 9));
  migration.checksum = digest::to_hex(digest::hash(digest::Algorithm::sha256, file.text));
  migration.text = std::string(file.text);
  return migration;
}

SessionOptions session_options(const std::string& url) {
  SessionOptions options;
  options.url = url;
  options.application_name = "orchestrator-migrate";
  options.kind = SessionKind::page;
  // A migration takes as long as it takes, and a second server waits for the first.
  options.statement_timeout = std::chrono::milliseconds{0};
  options.idle_in_transaction_timeout = std::chrono::milliseconds{0};
  return options;
}

Result<std::map<std::int32_t, std::string>> applied_checksums(Session& session) {
  using Applied = std::map<std::int32_t, std::string>;
  return session.run<Applied>(Mode::read, [](Transaction& transaction) -> Result<Applied> {
    Applied applied;
    if (transaction.execute("migration_table_exists").empty()) return applied;
    for (const auto& row : transaction.execute("list_migrations")) {
      RowReader reader(row);
      const std::int32_t version = reader.integer();
      reader.skip();
      applied[version] = reader.text();
    }
    return applied;
  });
}

Status verify(const std::map<std::int32_t, std::string>& applied) {
  for (const Migration& migration : migrations()) {
    const auto found = applied.find(migration.version);
    if (found != applied.end() && found->second != migration.checksum) {
      return fail(ErrorCode::precondition_failed,
                  "migration " + std::to_string(migration.version) + "_" + migration.name +
                      " was applied with another text than this binary has; a merged migration never changes");
    }
  }
  return {};
}

Status apply(Session& session, const Migration& migration) {
  Status status = session.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
    transaction.execute_script(migration.text);
    Parameters parameters;
    parameters.integer(migration.version).text(migration.name).text(migration.checksum);
    transaction.execute("record_migration", std::move(parameters));
    return {};
  });
  if (status) return status;
  Error error = std::move(status).error();
  error.message = "migration " + std::to_string(migration.version) + "_" + migration.name + ": " + error.message;
  return error;
}

Status apply_missing(Session& session, std::int32_t shard_count) {
  Status made = session.run<void>(Mode::transaction, [](Transaction& transaction) -> Status {
    if (transaction.execute("schema_exists").empty()) transaction.execute("make_schema");
    if (transaction.execute("migration_table_exists").empty()) transaction.execute("make_migration_table");
    return {};
  });
  if (!made) return made;
  auto applied = applied_checksums(session);
  if (!applied) return std::move(applied).error();
  if (Status same = verify(*applied); !same) return same;
  for (const Migration& migration : migrations()) {
    if (applied->contains(migration.version)) continue;
    if (Status status = apply(session, migration); !status) return status;
  }
  return session.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
    Parameters parameters;
    parameters.integer(shard_count);
    transaction.execute("insert_settings", std::move(parameters));
    transaction.execute("insert_shards");
    transaction.execute("keep_partitions");
    return {};
  });
}

Result<MigrationStatus> read_status(Session& session) {
  auto applied = applied_checksums(session);
  if (!applied) return std::move(applied).error();
  if (Status same = verify(*applied); !same) return std::move(same).error();
  MigrationStatus status;
  for (const Migration& migration : migrations()) {
    status.migrations.push_back({migration.version, migration.name, applied->erase(migration.version) == 1});
  }
  status.newer = !applied->empty();
  auto shard_count = session.run<std::int32_t>(Mode::read, [](Transaction& transaction) -> Result<std::int32_t> {
    if (transaction.execute("settings_exist").empty()) return 0;
    const pqxx::result rows = transaction.execute("read_shard_count");
    return rows.empty() ? 0 : RowReader(rows[0]).integer();
  });
  if (!shard_count) return std::move(shard_count).error();
  status.shard_count = *shard_count;
  return status;
}

}  // namespace

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all = [] {
    std::vector<Migration> built;
    for (unsigned i = 0; i < kMigrationFiles_count; ++i) built.push_back(parse_file(kMigrationFiles[i]));
    std::sort(built.begin(), built.end(), [](const Migration& a, const Migration& b) { return a.version < b.version; });
    const auto twice = std::adjacent_find(
        built.begin(), built.end(), [](const Migration& a, const Migration& b) { return a.version == b.version; });
    ORC_CHECK(twice == built.end(), "every migration has a number of its own");
    return built;
  }();
  return all;
}

bool MigrationStatus::complete() const {
  return std::all_of(migrations.begin(), migrations.end(), [](const MigrationState& state) { return state.applied; });
}

Result<MigrationStatus> migrate_up(const std::string& url, std::int32_t shard_count) {
  if (shard_count < 1 || shard_count > 65'536) {
    return fail(ErrorCode::invalid_argument, "the number of shards is 1 to 65536");
  }
  Session session(session_options(url));
  Status locked = session.run<void>(Mode::read, [](Transaction& transaction) -> Status {
    transaction.execute("lock_migrations");
    return {};
  });
  if (!locked) return std::move(locked).error();
  // The end of the session releases the lock, whatever happens in between.
  if (Status status = apply_missing(session, shard_count); !status) return std::move(status).error();
  return read_status(session);
}

Result<MigrationStatus> migrate_status(const std::string& url) {
  Session session(session_options(url));
  return read_status(session);
}

}  // namespace orchestrator::store::postgres
