#include "orchestrator/store/postgres/ownership.hpp"

#include "orchestrator/store/postgres/event_feed.hpp"
#include "orchestrator/store/postgres/queue_shares.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/schedules.hpp"

namespace orchestrator::store::postgres {
namespace {

/// How long a take-over waits for batches in flight before it ends their backends. A healthy flush takes milliseconds.
constexpr std::chrono::milliseconds kFencePatience{2'000};
constexpr int kTakeOverTries = 3;

Parameters one_text(std::string_view value) {
  Parameters parameters;
  parameters.text(value);
  return parameters;
}

struct NodeList {
  std::vector<NodeRow> all;
  std::vector<NodeId> alive;
};

NodeList list_nodes(Transaction& transaction) {
  NodeList nodes;
  for (const auto& row : transaction.execute("list_nodes")) {
    RowReader reader(row);
    NodeRow node;
    node.id = NodeId{reader.text()};
    node.url = reader.text();
    node.roles = reader.text();
    node.lease_until = reader.time();
    if (reader.boolean()) nodes.alive.push_back(node.id);
    nodes.all.push_back(std::move(node));
  }
  return nodes;
}

BinaryArray names_of(const std::vector<NodeId>& nodes) {
  BinaryArray names(ElementType::text);
  for (const NodeId& node : nodes) names.add(std::string_view(node.value));
  return names;
}

}  // namespace

std::vector<NodeId> OwnershipKeeper::find_gone(Session& session, Transaction& transaction,
                                               const std::vector<NodeId>& others) {
  if (seen_connection_ != session.connection_count()) {
    seen_connection_ = session.connection_count();
    return {};
  }
  if (others.empty()) return {};
  Parameters parameters;
  parameters.array(names_of(others));
  std::vector<NodeId> gone;
  for (const auto& row : transaction.execute("probe_node_hints", std::move(parameters))) {
    gone.push_back(NodeId{RowReader(row).text()});
  }
  return gone;
}

Result<HeartbeatAnswer> OwnershipKeeper::heartbeat(Session& session, const NodeRow& node,
                                                   std::chrono::milliseconds lease) {
  // Autocommit: each statement stands alone, and repeating all of them is harmless.
  return session.run<HeartbeatAnswer>(Mode::read, [&](Transaction& transaction) -> Result<HeartbeatAnswer> {
    HeartbeatAnswer answer;
    if (hint_connection_ != session.connection_count() &&
        RowReader(transaction.execute("hold_node_hint", one_text(node.id.value)).at(0)).boolean()) {
      hint_connection_ = session.connection_count();
    }
    Parameters parameters;
    parameters.text(node.id.value).text(node.url).text(node.roles).integer(lease.count());
    answer.database_now = RowReader(transaction.execute("renew_node", std::move(parameters)).at(0)).time();
    NodeList nodes = list_nodes(transaction);
    for (const auto& row : transaction.execute("list_shard_owners")) {
      RowReader reader(row);
      ShardOwnerRow owner;
      owner.shard = reader.shard();
      if (auto name = reader.optional_text()) owner.node = NodeId{*std::move(name)};
      owner.epoch = Epoch{reader.bigint()};
      answer.shards.push_back(std::move(owner));
    }
    std::erase(nodes.alive, node.id);
    answer.gone = find_gone(session, transaction, nodes.alive);
    answer.nodes = std::move(nodes.all);
    return answer;
  });
}

Result<std::vector<ShardLease>> OwnershipKeeper::take_over(Session& session, const NodeId& node,
                                                           const std::vector<ShardId>& shards) {
  using Leases = std::vector<ShardLease>;
  if (shards.empty()) return Leases{};
  Result<Leases> taken = fail(ErrorCode::unavailable, "the shards were not taken over");
  for (int tries = 1; tries <= kTakeOverTries; ++tries) {
    taken = session.run<Leases>(Mode::transaction, [&](Transaction& transaction) -> Result<Leases> {
      transaction.execute("local_lock_timeout", one_text(std::to_string(kFencePatience.count())));
      transaction.execute("serialize_take_over");
      NodeList nodes = list_nodes(transaction);
      std::erase(nodes.alive, node);
      BinaryArray numbers(ElementType::integer);
      for (ShardId shard : shards) numbers.add(to_int(shard));
      Parameters parameters;
      parameters.text(node.value)
          .array(std::move(numbers))
          .array(names_of(find_gone(session, transaction, nodes.alive)));
      Leases leases;
      for (const auto& row : transaction.execute("take_over_shards", std::move(parameters))) {
        RowReader reader(row);
        const ShardId shard = reader.shard();
        leases.push_back({shard, Epoch{reader.bigint()}});
      }
      return leases;
    });
    // Only a lock time-out is worth ending somebody's backend for; it leaves the connection as it was.
    if (taken || taken.error().code != ErrorCode::unavailable || session.connection() == nullptr) return taken;
    Status cleared = session.run<void>(Mode::read, [&](Transaction& transaction) -> Status {
      Parameters parameters;
      parameters.integer(kFencePatience.count() / 2);
      transaction.execute("terminate_blockers", std::move(parameters));
      return {};
    });
    if (!cleared) return std::move(cleared).error();
  }
  return taken;
}

Status hand_over(Session& session, const NodeId& node, const std::vector<ShardLease>& shards) {
  return session.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
    for (const ShardLease& lease : shards) {
      Parameters parameters;
      parameters.text(node.value).integer(to_int(lease.shard)).integer(to_int(lease.epoch));
      transaction.execute("hand_over_shard", std::move(parameters));
    }
    return {};
  });
}

Status leave(Session& session, const NodeId& node) {
  return session.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
    transaction.execute("free_shards_of_node", one_text(node.value));
    transaction.execute("delete_node", one_text(node.value));
    return {};
  });
}

Status check_ready(Session& session) {
  auto count = read_shard_count(session);
  if (!count) return std::move(count).error();
  return {};
}

Result<std::string> read_cluster_secret(Session& session) {
  return session.run<std::string>(Mode::read, [](Transaction& transaction) -> Result<std::string> {
    return RowReader(transaction.execute("read_cluster_secret").at(0)).text();
  });
}

Result<std::int32_t> read_shard_count(Session& session) {
  return session.run<std::int32_t>(Mode::read, [](Transaction& transaction) -> Result<std::int32_t> {
    const pqxx::result rows = transaction.execute("read_shard_count");
    if (rows.empty()) return fail(ErrorCode::precondition_failed, "the database has no shards: run migrate up");
    return RowReader(rows[0]).integer();
  });
}

Status keep_partitions(Session& session) {
  return session.run<void>(Mode::transaction, [](Transaction& transaction) -> Status {
    transaction.execute("keep_partitions");
    forget_old_slots(transaction);
    forget_queue_shares(transaction);
    prune_event_feed(transaction);
    return {};
  });
}

}  // namespace orchestrator::store::postgres
