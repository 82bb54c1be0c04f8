#include "orchestrator/store/postgres/webhooks.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/planned_reads.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

/// What makes two deliveries one.
using Key = std::tuple<std::int32_t, std::string, std::string, std::string>;

Key key_of(const WebhookDeliveryRow& row) {
  return {to_int(row.shard), row.namespace_name, row.endpoint, row.dedupe_key};
}

/// Deliveries of one call with one key: the first is stored, the others are its repeats. An insert that meets its own
/// row again is refused by PostgreSQL.
struct Folded {
  std::size_t first = 0;
  std::int32_t repeats = 0;
  std::int32_t altered = 0;
};

/// Sorted by key: two calls that meet the same rows wait for each other in one order.
std::map<Key, Folded> fold(const std::vector<WebhookReceipt>& receipts, std::vector<WebhookReceiptAnswer>& answers) {
  std::map<Key, Folded> folded;
  for (std::size_t index = 0; index < receipts.size(); ++index) {
    const auto [entry, is_first] = folded.try_emplace(key_of(receipts[index].delivery), Folded{.first = index});
    Folded& group = entry->second;
    if (is_first) continue;
    answers[index].duplicate = true;
    answers[index].altered = receipts[index].delivery.body != receipts[group.first].delivery.body;
    ++group.repeats;
    if (answers[index].altered) ++group.altered;
  }
  return folded;
}

void add_deliveries(Parameters& to, const std::vector<WebhookReceipt>& receipts, const std::map<Key, Folded>& folded) {
  BinaryArray shards(ElementType::integer);
  BinaryArray ids(ElementType::uuid);
  BinaryArray namespaces(ElementType::text);
  BinaryArray endpoints(ElementType::text);
  BinaryArray providers(ElementType::text);
  BinaryArray keys(ElementType::text);
  BinaryArray verdicts(ElementType::text);
  BinaryArray reasons(ElementType::text);
  BinaryArray signal_ids(ElementType::uuid);
  BinaryArray signal_counts(ElementType::integer);
  BinaryArray headers(ElementType::json);
  BinaryArray bodies(ElementType::bytea);
  BinaryArray received(ElementType::timestamptz);
  BinaryArray duplicates(ElementType::integer);
  BinaryArray altered(ElementType::integer);
  for (const auto& [key, group] : folded) {
    const WebhookDeliveryRow& row = receipts[group.first].delivery;
    shards.add(to_int(row.shard));
    ids.add(row.delivery_id);
    namespaces.add(std::string_view(row.namespace_name));
    endpoints.add(std::string_view(row.endpoint));
    providers.add(std::string_view(row.provider));
    keys.add(std::string_view(row.dedupe_key));
    verdicts.add(to_string(row.verdict));
    reasons.add(std::string_view(row.reason));
    signal_ids.add(row.signal_id);
    signal_counts.add(row.signal_count);
    headers.add(std::string_view(row.headers));
    bodies.add(std::string_view(row.body));
    received.add(row.received_at);
    duplicates.add(group.repeats);
    altered.add(group.altered);
  }
  to.array(std::move(shards)).array(std::move(ids)).array(std::move(namespaces)).array(std::move(endpoints));
  to.array(std::move(providers)).array(std::move(keys)).array(std::move(verdicts)).array(std::move(reasons));
  to.array(std::move(signal_ids)).array(std::move(signal_counts)).array(std::move(headers)).array(std::move(bodies));
  to.array(std::move(received)).array(std::move(duplicates)).array(std::move(altered));
}

void add_messages(Parameters& to, const std::vector<WebhookReceipt>& receipts, const std::map<Key, Folded>& folded) {
  BinaryArray delivery_ids(ElementType::uuid);
  BinaryArray shards(ElementType::integer);
  BinaryArray ids(ElementType::uuid);
  BinaryArray kinds(ElementType::text);
  BinaryArray bodies(ElementType::json);
  BinaryArray created(ElementType::timestamptz);
  for (const auto& [key, group] : folded) {
    for (const InboxRow& message : receipts[group.first].messages) {
      delivery_ids.add(receipts[group.first].delivery.delivery_id);
      shards.add(to_int(message.shard));
      ids.add(message.id);
      kinds.add(std::string_view(message.kind));
      bodies.add(std::string_view(message.body));
      created.add(message.created_at);
    }
  }
  to.array(std::move(delivery_ids)).array(std::move(shards)).array(std::move(ids)).array(std::move(kinds));
  to.array(std::move(bodies)).array(std::move(created));
}

Result<std::vector<WebhookReceiptAnswer>> record_webhooks(Session& session,
                                                          const std::vector<WebhookReceipt>& receipts) {
  using Answers = std::vector<WebhookReceiptAnswer>;
  if (receipts.empty()) return Answers{};
  return session.run<Answers>(Mode::write, [&](Transaction& transaction) -> Result<Answers> {
    Answers answers(receipts.size());
    const std::map<Key, Folded> folded = fold(receipts, answers);
    Parameters parameters;
    add_deliveries(parameters, receipts, folded);
    add_messages(parameters, receipts, folded);
    std::map<Key, DeliveryId> stored;
    for (const auto& row : transaction.execute("record_webhooks", std::move(parameters))) {
      RowReader reader(row);
      const std::int32_t shard = reader.integer();
      const auto delivery_id = reader.id<DeliveryTag>();
      std::string namespace_name = reader.text();
      std::string endpoint = reader.text();
      Key key{shard, std::move(namespace_name), std::move(endpoint), reader.text()};
      const Folded& group = folded.at(key);
      WebhookReceiptAnswer& answer = answers[group.first];
      answer.duplicate = delivery_id != receipts[group.first].delivery.delivery_id;
      answer.altered = answer.duplicate && reader.boolean();
      stored.emplace(std::move(key), delivery_id);
    }
    for (std::size_t index = 0; index < receipts.size(); ++index) {
      answers[index].delivery_id = stored.at(key_of(receipts[index].delivery));
    }
    return answers;
  });
}

WebhookEndpointRow read_endpoint(const pqxx::row& row) {
  RowReader reader(row);
  WebhookEndpointRow endpoint;
  endpoint.namespace_name = reader.text();
  endpoint.name = reader.text();
  endpoint.provider = reader.text();
  endpoint.settings = reader.text();
  endpoint.created_at = reader.time();
  endpoint.updated_at = reader.time();
  return endpoint;
}

Parameters names(const std::string& namespace_name, const std::string& name) {
  Parameters parameters;
  parameters.text(namespace_name).text(name);
  return parameters;
}

Parameters settings_parameters(const WebhookEndpointRow& endpoint) {
  Parameters parameters = names(endpoint.namespace_name, endpoint.name);
  parameters.text(endpoint.provider).text(endpoint.settings);
  return parameters;
}

std::optional<WebhookEndpointRow> known_endpoint(Transaction& transaction, const std::string& namespace_name,
                                                 const std::string& name) {
  const auto rows = transaction.execute("find_webhook_endpoint", names(namespace_name, name));
  if (rows.empty()) return std::nullopt;
  return read_endpoint(rows[0]);
}

Result<WrittenEndpoint> write_endpoint(Session& session, const WebhookEndpointRow& endpoint, EndpointWrite how,
                                       const std::optional<AuditEntry>& audit) {
  return session.run<WrittenEndpoint>(Mode::transaction, [&](Transaction& transaction) -> Result<WrittenEndpoint> {
    Parameters parameters = settings_parameters(endpoint);
    parameters.integer(kMaxWebhookEndpoints);
    const pqxx::result inserted = transaction.execute("insert_webhook_endpoint", std::move(parameters));
    if (!inserted.empty()) {
      WrittenEndpoint answer{.row = read_endpoint(inserted[0]), .created = true};
      append_audit(transaction, kClusterChain, endpoint_audit(audit, std::nullopt, answer.row));
      return answer;
    }
    if (how == EndpointWrite::replace) {
      const auto before = audit ? known_endpoint(transaction, endpoint.namespace_name, endpoint.name) : std::nullopt;
      const pqxx::result updated = transaction.execute("update_webhook_endpoint", settings_parameters(endpoint));
      if (!updated.empty()) {
        WrittenEndpoint answer{.row = read_endpoint(updated[0]), .created = false};
        append_audit(transaction, kClusterChain, endpoint_audit(audit, before, answer.row));
        return answer;
      }
    } else if (!transaction.execute("find_webhook_endpoint", names(endpoint.namespace_name, endpoint.name)).empty()) {
      return fail(ErrorCode::already_exists, "there is a webhook endpoint " + endpoint.name);
    }
    return fail(ErrorCode::resource_exhausted, "the namespace has as many webhook endpoints as it may");
  });
}

Status remove_endpoint(Session& session, const std::string& namespace_name, const std::string& name,
                       const std::optional<AuditEntry>& audit) {
  return session.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
    const auto before = audit ? known_endpoint(transaction, namespace_name, name) : std::nullopt;
    const auto removed = transaction.execute("delete_webhook_endpoint", names(namespace_name, name));
    if (removed.affected_rows() == 1) {
      append_audit(transaction, kClusterChain, endpoint_audit(audit, before, std::nullopt));
      return {};
    }
    return fail(ErrorCode::not_found, "no such webhook endpoint: " + name);
  });
}

Result<WebhookEndpointRow> find_endpoint(Session& session, const std::string& namespace_name, const std::string& name) {
  return session.run<WebhookEndpointRow>(Mode::read, [&](Transaction& transaction) -> Result<WebhookEndpointRow> {
    const pqxx::result rows = transaction.execute("find_webhook_endpoint", names(namespace_name, name));
    if (rows.empty()) return fail(ErrorCode::not_found, "no such webhook endpoint: " + name);
    return read_endpoint(rows[0]);
  });
}

Result<std::vector<WebhookEndpointRow>> list_endpoints(Session& session, const std::string& namespace_name) {
  using Answer = std::vector<WebhookEndpointRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Parameters parameters;
    parameters.text(namespace_name);
    Answer endpoints;
    for (const auto& row : transaction.execute("list_webhook_endpoints", std::move(parameters))) {
      endpoints.push_back(read_endpoint(row));
    }
    return endpoints;
  });
}

WebhookDeliveryView read_delivery(const pqxx::row& row) {
  RowReader reader(row);
  WebhookDeliveryView view;
  WebhookDeliveryRow& delivery = view.row;
  delivery.shard = reader.shard();
  delivery.delivery_id = reader.id<DeliveryTag>();
  delivery.namespace_name = reader.text();
  delivery.endpoint = reader.text();
  delivery.provider = reader.text();
  delivery.dedupe_key = reader.text();
  delivery.verdict = reader.text() == "poison" ? WebhookVerdict::poison : WebhookVerdict::accepted;
  delivery.reason = reader.text();
  delivery.signal_id = reader.optional_id<SignalTag>();
  delivery.signal_count = reader.integer();
  delivery.headers = reader.text();
  auto body = reader.optional_bytes();
  view.has_body = body.has_value();
  if (body) delivery.body = *std::move(body);
  delivery.received_at = reader.time();
  view.duplicates = reader.integer();
  view.altered_duplicates = reader.integer();
  view.last_duplicate_at = reader.optional_time();
  view.replays = reader.integer();
  view.body_bytes = reader.bigint();
  if (const auto fate = reader.optional_text()) view.fate = parse_signal_fate(*fate);
  return view;
}

Parameters delivery_parameters(const std::string& namespace_name, const DeliveryId& delivery_id) {
  Parameters parameters;
  parameters.integer(to_int(shard_of(delivery_id))).id(delivery_id).text(namespace_name);
  return parameters;
}

Unexpected no_delivery() { return fail(ErrorCode::not_found, "no such webhook delivery"); }

Result<WebhookDeliveryView> find_delivery(Session& session, const std::string& namespace_name,
                                          const DeliveryId& delivery_id) {
  using Answer = WebhookDeliveryView;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    const auto rows = transaction.execute("find_webhook_delivery", delivery_parameters(namespace_name, delivery_id));
    if (rows.empty()) return no_delivery();
    return read_delivery(rows[0]);
  });
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Result<WebhookDeliveryPage> list_deliveries(Session& session, const WebhookDeliveryFilter& filter) {
  std::optional<DeliveryId> before;
  if (!filter.cursor.empty()) {
    auto id = DeliveryId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
    before = *id;
  }
  using Answer = WebhookDeliveryPage;
  return read_planned<Answer>(session, [&](Transaction& transaction) -> Result<Answer> {
    Parameters parameters;
    parameters.text(filter.namespace_name).integer(filter.limit + 1).id(before);
    parameters.text_or_null(unless_empty(filter.endpoint)).text_or_null(unless_empty(filter.provider));
    parameters.micros(filter.received_after).micros(filter.received_before).integer(filter.max_body_bytes);
    parameters.text_or_null(unless_empty(filter.verdict));
    WebhookDeliveryPage page;
    for (const auto& row : transaction.execute("list_webhook_deliveries", std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = page.items.back().row.delivery_id.str();
        break;
      }
      page.items.push_back(read_delivery(row));
    }
    return page;
  });
}

Result<std::int32_t> count_replay(Session& session, const std::string& namespace_name, const DeliveryId& delivery_id,
                                  const std::optional<AuditEntry>& audit) {
  return session.run<std::int32_t>(Mode::transaction, [&](Transaction& transaction) -> Result<std::int32_t> {
    const auto rows = transaction.execute("count_webhook_replay", delivery_parameters(namespace_name, delivery_id));
    if (rows.empty()) return no_delivery();
    const std::int32_t number = RowReader(rows[0]).integer();
    append_audit(transaction, kClusterChain, replay_audit(audit, number));
    return number;
  });
}

template <typename T, typename Work>
void on(SessionPool& pool, std::function<void(Result<T>)> done, Work work) {
  pool.post([done = std::move(done), work = std::move(work)](Session& session) { done(work(session)); });
}

}  // namespace

void PostgresWebhooks::record(std::vector<WebhookReceipt> receipts, Done<std::vector<WebhookReceiptAnswer>> done) {
  on(recorders_, std::move(done),
     [receipts = std::move(receipts)](Session& session) { return record_webhooks(session, receipts); });
}

void PostgresWebhooks::write_endpoint(WebhookEndpointRow endpoint, EndpointWrite how, std::optional<AuditEntry> audit,
                                      Done<WrittenEndpoint> done) {
  on(pages_, std::move(done), [endpoint = std::move(endpoint), how, audit = std::move(audit)](Session& session) {
    return postgres::write_endpoint(session, endpoint, how, audit);
  });
}

void PostgresWebhooks::remove_endpoint(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                                       Done<void> done) {
  on(pages_, std::move(done),
     [namespace_name = std::move(namespace_name), name = std::move(name), audit = std::move(audit)](Session& session) {
       return postgres::remove_endpoint(session, namespace_name, name, audit);
     });
}

void PostgresWebhooks::find_endpoint(std::string namespace_name, std::string name, Done<WebhookEndpointRow> done) {
  on(pages_, std::move(done), [namespace_name = std::move(namespace_name), name = std::move(name)](Session& session) {
    return postgres::find_endpoint(session, namespace_name, name);
  });
}

void PostgresWebhooks::list_endpoints(std::string namespace_name, Done<std::vector<WebhookEndpointRow>> done) {
  on(pages_, std::move(done), [namespace_name = std::move(namespace_name)](Session& session) {
    return postgres::list_endpoints(session, namespace_name);
  });
}

void PostgresWebhooks::find_delivery(std::string namespace_name, DeliveryId delivery_id,
                                     Done<WebhookDeliveryView> done) {
  on(pages_, std::move(done), [namespace_name = std::move(namespace_name), delivery_id](Session& session) {
    return postgres::find_delivery(session, namespace_name, delivery_id);
  });
}

void PostgresWebhooks::list_deliveries(WebhookDeliveryFilter filter, Done<WebhookDeliveryPage> done) {
  on(pages_, std::move(done),
     [filter = std::move(filter)](Session& session) { return postgres::list_deliveries(session, filter); });
}

void PostgresWebhooks::count_replay(std::string namespace_name, DeliveryId delivery_id, std::optional<AuditEntry> audit,
                                    Done<std::int32_t> done) {
  on(pages_, std::move(done),
     [namespace_name = std::move(namespace_name), delivery_id, audit = std::move(audit)](Session& session) {
       return postgres::count_replay(session, namespace_name, delivery_id, audit);
     });
}

}  // namespace orchestrator::store::postgres
