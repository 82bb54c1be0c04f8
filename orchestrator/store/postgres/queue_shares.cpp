#include "orchestrator/store/postgres/queue_shares.hpp"

#include <map>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

using QueueKey = std::pair<std::string, std::string>;  ///< namespace, name

struct LockedQueue {
  QueueLimits limits;
  QueueLedger ledger;
};

struct Locked {
  LedgerMoment moment;
  std::map<QueueKey, LockedQueue> queues;
};

Timestamp time_in(const Json& object, const char* name) {
  return Timestamp{Duration{object.at(name).get<std::int64_t>()}};
}

QueueLedger::Share share_from(const Json& row) {
  QueueLedger::Share share;
  share.held = row.at("held").get<std::int64_t>();
  share.wanted = row.at("wanted").get<std::int64_t>();
  share.in_flight = row.at("in_flight").get<std::int64_t>();
  share.tokens_wanted = row.at("tokens_wanted").get<std::int64_t>();
  share.tokens_out = row.at("tokens_out").get<std::int64_t>();
  share.tokens_of = time_in(row, "tokens_of");
  share.version = row.at("version").get<std::int64_t>();
  return share;
}

Json row_of(const NodeId& node, const QueueLedger::Share& share) {
  return {{"node", node.value},
          {"held", share.held},
          {"wanted", share.wanted},
          {"in_flight", share.in_flight},
          {"tokens_wanted", share.tokens_wanted},
          {"tokens_out", share.tokens_out},
          {"tokens_of", share.tokens_of.time_since_epoch().count()},
          {"version", share.version}};
}

/// Of what lock_queue_ledgers tells. Throws Json::exception, as RowReader does what it throws.
Locked locked_from(const Json& told) {
  Locked locked;
  locked.moment.now = time_in(told, "now");
  locked.moment.version = told.at("version").get<std::int64_t>();
  for (const Json& node : told.at("nodes")) {
    const NodeId id{node.at("id").get<std::string>()};
    const Timestamp until = time_in(node, "lease_until");
    if (until >= locked.moment.now) locked.moment.alive.insert(id);
    if (until + kShareGrace >= locked.moment.now) locked.moment.remembered.insert(id);
  }
  for (const Json& row : told.at("queues")) {
    LockedQueue& queue = locked.queues[{row.at("namespace").get<std::string>(), row.at("queue").get<std::string>()}];
    if (!row.at("limits").is_null()) {
      const auto limits = queue_limits_from(row.at("limits"));
      if (limits) queue.limits = *limits;
    }
    if (!row.at("full_at").is_null()) queue.ledger.bucket = TokenBucket(time_in(row, "full_at").time_since_epoch());
    if (!row.at("rate_count").is_null())
      queue.ledger.bucket_of = RateLimit{.count = row.at("rate_count").get<std::int64_t>(),
                                         .per_seconds = row.at("rate_seconds").get<std::int64_t>()};
    for (const Json& share : row.at("shares"))
      queue.ledger.shares[NodeId{share.at("node").get<std::string>()}] = share_from(share);
  }
  return locked;
}

/// What settle() changed, for write_queue_ledgers.
Json change_of(const QueueKey& key, const QueueLedger& before, const LockedQueue& after) {
  Json change = {{"namespace", key.first}, {"queue", key.second}, {"gone", Json::array()}, {"shares", Json::array()}};
  if (after.ledger.bucket_of) {
    change["full_at"] = after.ledger.bucket.full_at().count();
    change["rate_count"] = after.ledger.bucket_of->count;
    change["rate_seconds"] = after.ledger.bucket_of->per_seconds;
  }
  for (const auto& [node, share] : before.shares) {
    if (!after.ledger.shares.contains(node)) change["gone"].push_back(node.value);
  }
  for (const auto& [node, share] : after.ledger.shares) {
    const auto known = before.shares.find(node);
    if (known != before.shares.end() && known->second == share) continue;
    change["shares"].push_back(row_of(node, share));
    const bool has_grown = share.held > (known == before.shares.end() ? 0 : known->second.held);
    if (has_grown && after.limits.max_in_flight) change["most"] = *after.limits.max_in_flight;
  }
  return change;
}

}  // namespace

Result<std::vector<QueueShareAnswer>> exchange_queue_shares(Session& session, const NodeId& node,
                                                            const std::vector<QueueShareAsk>& asks) {
  using Answer = std::vector<QueueShareAnswer>;
  return session.run<Answer>(Mode::transaction, [&](Transaction& transaction) -> Result<Answer> {
    BinaryArray namespaces(ElementType::text);
    BinaryArray queues(ElementType::text);
    for (const auto& ask : asks) {
      namespaces.add(std::string_view(ask.namespace_name));
      queues.add(std::string_view(ask.queue));
    }
    Parameters names;
    names.array(std::move(namespaces)).array(std::move(queues));
    const auto told = parse_json(RowReader(transaction.execute("lock_queue_ledgers", std::move(names)).at(0)).text());
    if (!told) return told.error();
    Locked locked = locked_from(*told);
    Answer answers;
    Json changes = Json::array();
    for (const auto& ask : asks) {
      const QueueKey key{ask.namespace_name, ask.queue};
      LockedQueue& queue = locked.queues[key];
      const QueueLedger before = queue.ledger;
      answers.push_back(settle(queue.ledger, queue.limits, node, ask, locked.moment));
      changes.push_back(change_of(key, before, queue));
    }
    Parameters written;
    written.text(dump_json(changes));
    transaction.execute("write_queue_ledgers", std::move(written));
    return answers;
  });
}

Result<std::vector<QueueShareRow>> list_queue_shares(Session& session, const NodeId& node) {
  using Answer = std::vector<QueueShareRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Parameters parameters;
    parameters.text(node.value);
    Answer shares;
    for (const auto& row : transaction.execute("list_queue_shares", std::move(parameters))) {
      RowReader reader(row);
      QueueShareRow& share = shares.emplace_back();
      share.namespace_name = reader.text();
      share.queue = reader.text();
      share.held = reader.bigint();
      share.version = reader.bigint();
      share.is_wanted_by_others = reader.boolean();
    }
    return shares;
  });
}

void forget_queue_shares(Transaction& transaction) {
  transaction.execute("lock_all_queue_ledgers");
  transaction.execute("forget_queue_shares");
}

}  // namespace orchestrator::store::postgres
