#include "orchestrator/store/postgres/inbox.hpp"

#include <algorithm>

#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

InboxRow read_message(RowReader& reader) {
  InboxRow message;
  message.shard = reader.shard();
  message.id = reader.id<MessageTag>();
  message.kind = reader.text();
  message.body = reader.text();
  message.created_at = reader.time();
  return message;
}

}  // namespace

Result<InboxRead> InboxReader::read(Session& session, std::vector<ShardId> shards, std::int32_t limit) {
  if (shards.empty() || limit <= 0) return InboxRead{};
  std::rotate(shards.begin(), shards.begin() + static_cast<std::ptrdiff_t>(turn_++ % shards.size()), shards.end());
  return session.run<InboxRead>(Mode::read, [&](Transaction& transaction) -> Result<InboxRead> {
    BinaryArray numbers(ElementType::integer);
    BinaryArray xids(ElementType::text);
    BinaryArray ids(ElementType::uuid);
    for (ShardId shard : shards) {
      const Position& position = positions_[shard];
      numbers.add(to_int(shard));
      xids.add(std::string_view(position.midway ? position.xid : position.round_begin));
      ids.add(position.midway ? position.id : MessageId{});
    }
    Parameters parameters;
    parameters.array(std::move(numbers)).array(std::move(xids)).array(std::move(ids)).integer(limit);
    const pqxx::result result = transaction.execute("read_inbox", std::move(parameters));

    InboxRead answer;
    std::string last_xid;
    const std::string oldest_running = result.at(0)[0].c_str();
    for (const auto& row : result) {
      RowReader reader(row, 1);
      if (reader.next_is_null()) break;
      answer.rows.push_back(read_message(reader));
      last_xid = reader.text();
    }

    // At the limit, the shard of the last row was cut and those behind it were not looked at.
    const bool is_cut = answer.rows.size() >= static_cast<std::size_t>(limit);
    for (ShardId shard : shards) {
      Position& position = positions_[shard];
      if (!position.midway) position.next_round_begin = oldest_running;
      if (is_cut && shard == answer.rows.back().shard) {
        position.midway = true;
        position.xid = last_xid;
        position.id = answer.rows.back().id;
        break;
      }
      position.midway = false;
      position.round_begin = position.next_round_begin;
    }
    return answer;
  });
}

Status send(Session& session, const std::vector<InboxRow>& messages) {
  if (messages.empty()) return {};
  return session.run<void>(Mode::write, [&](Transaction& transaction) -> Status {
    BinaryArray shards(ElementType::integer);
    BinaryArray ids(ElementType::uuid);
    BinaryArray kinds(ElementType::text);
    BinaryArray bodies(ElementType::json);
    BinaryArray created(ElementType::timestamptz);
    for (const InboxRow& message : messages) {
      shards.add(to_int(message.shard));
      ids.add(message.id);
      kinds.add(std::string_view(message.kind));
      bodies.add(std::string_view(message.body));
      created.add(message.created_at);
    }
    Parameters parameters;
    parameters.array(std::move(shards)).array(std::move(ids)).array(std::move(kinds)).array(std::move(bodies));
    parameters.array(std::move(created));
    transaction.execute("send_messages", std::move(parameters));
    return {};
  });
}

std::vector<InboxRow> read_whole_inbox(Transaction& transaction, ShardId shard) {
  Parameters parameters;
  parameters.integer(to_int(shard));
  std::vector<InboxRow> messages;
  for (const auto& row : transaction.execute("recover_inbox", std::move(parameters))) {
    RowReader reader(row);
    messages.push_back(read_message(reader));
  }
  return messages;
}

std::vector<DueRun> read_due_runs(Transaction& transaction, const std::vector<ShardId>& shards, Timestamp until,
                                  std::int32_t limit) {
  BinaryArray numbers(ElementType::integer);
  for (ShardId shard : shards) numbers.add(to_int(shard));
  Parameters parameters;
  parameters.array(std::move(numbers)).micros(until).integer(limit);
  std::vector<DueRun> due;
  for (const auto& row : transaction.execute("due_runs", std::move(parameters))) {
    RowReader reader(row);
    DueRun run;
    run.run_id = reader.id<RunTag>();
    run.wake_at = reader.time();
    due.push_back(run);
  }
  return due;
}

}  // namespace orchestrator::store::postgres
