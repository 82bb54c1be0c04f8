#include "orchestrator/store/postgres/queue_settings.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

QueueSettingsRow read_settings(const pqxx::row& row) {
  RowReader reader(row);
  QueueSettingsRow found;
  found.namespace_name = reader.text();
  found.name = reader.text();
  const auto object = parse_json(reader.text());
  auto limits = object ? queue_limits_from(*object) : Result<QueueLimits>(object.error());
  if (limits) found.limits = *limits;
  found.paused = reader.boolean();
  found.reason = reader.text();
  found.paused_at = reader.optional_time();
  found.changed_at = reader.time();
  found.revision = reader.bigint();
  return found;
}

}  // namespace

Result<QueueSettingsRow> change_queue_settings(Session& session, const QueueSettingsChange& change) {
  using Answer = QueueSettingsRow;
  return session.run<Answer>(Mode::transaction, [&](Transaction& transaction) -> Result<Answer> {
    transaction.execute("lock_queue_settings");
    std::optional<QueueSettingsRow> before;
    if (change.audit) {
      Parameters queue;
      queue.text(change.namespace_name).text(change.name);
      const auto known = transaction.execute("find_queue_settings", std::move(queue));
      if (!known.empty()) before = read_settings(known.at(0));
    }
    Parameters parameters;
    parameters.text(change.namespace_name).text(change.name);
    parameters.text_or_null(change.limits ? std::optional(dump_json(to_json(*change.limits))) : std::nullopt);
    if (change.paused) {
      parameters.boolean(*change.paused);
    } else {
      parameters.null();
    }
    parameters.text(change.reason).integer(kMaxQueueSettings);
    const auto changed = transaction.execute("change_queue_settings", std::move(parameters));
    if (changed.empty()) return no_room_for_queue_settings();
    QueueSettingsRow after = read_settings(changed.at(0));
    append_audit(transaction, kClusterChain, queue_audit(change, before, after));
    return after;
  });
}

Result<std::vector<QueueSettingsRow>> list_queue_settings(Session& session, std::int64_t after_revision) {
  using Answer = std::vector<QueueSettingsRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Parameters parameters;
    parameters.integer(after_revision);
    Answer settings;
    for (const auto& row : transaction.execute("list_queue_settings", std::move(parameters)))
      settings.push_back(read_settings(row));
    return settings;
  });
}

}  // namespace orchestrator::store::postgres
