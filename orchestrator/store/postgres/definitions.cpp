#include "orchestrator/store/postgres/definitions.hpp"

#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

/// How often a deployment that lost the race for a version number asks again.
constexpr int kMaxDeployTries = 20;

Parameters texts(std::string_view first, std::string_view second) {
  Parameters parameters;
  parameters.text(first).text(second);
  return parameters;
}

Parameters one_text(std::string_view value) {
  Parameters parameters;
  parameters.text(value);
  return parameters;
}

WebhookEndpointRow read_endpoint(const pqxx::row& row) {
  RowReader reader(row);
  WebhookEndpointRow endpoint;
  endpoint.namespace_name = reader.text();
  endpoint.name = reader.text();
  endpoint.provider = reader.text();
  endpoint.settings = reader.text();
  endpoint.created_at = reader.time();
  return endpoint;
}

}  // namespace

Result<DeployAnswer> deploy(Session& session, const DeployRequest& request) {
  return session.run<DeployAnswer>(Mode::write, [&](Transaction& transaction) -> Result<DeployAnswer> {
    for (int tries = 0; tries < kMaxDeployTries; ++tries) {
      DeployAnswer answer{.version = 1, .created = true};
      const pqxx::result newest = transaction.execute("newest_definition", texts(request.namespace_name, request.name));
      if (!newest.empty()) {
        RowReader reader(newest[0]);
        const std::int32_t version = reader.integer();
        if (reader.text() == request.checksum) return DeployAnswer{.version = version, .created = false};
        answer.version = version + 1;
      }
      Parameters parameters;
      parameters.text(request.namespace_name).text(request.name).integer(answer.version);
      parameters.text(request.checksum).text(request.source);
      if (transaction.execute("insert_definition", std::move(parameters)).affected_rows() == 1) return answer;
    }
    return fail(ErrorCode::unavailable, "too many deployments of this workflow at once");
  });
}

Result<DefinitionRow> find_definition(Session& session, const std::string& namespace_name, const std::string& name,
                                      std::int32_t version) {
  return session.run<DefinitionRow>(Mode::read, [&](Transaction& transaction) -> Result<DefinitionRow> {
    Parameters parameters = texts(namespace_name, name);
    parameters.integer(version);
    const pqxx::result rows = transaction.execute("find_definition", std::move(parameters));
    if (rows.empty()) return fail(ErrorCode::not_found, "unknown-workflow", "no such workflow or version: " + name);
    RowReader reader(rows[0]);
    DefinitionRow definition;
    definition.namespace_name = reader.text();
    definition.name = reader.text();
    definition.version = reader.integer();
    definition.checksum = reader.text();
    definition.source = reader.text();
    definition.created_at = reader.time();
    return definition;
  });
}

Result<std::vector<WorkflowSummary>> list_workflows(Session& session, const std::string& namespace_name) {
  using Answer = std::vector<WorkflowSummary>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Answer workflows;
    for (const auto& row : transaction.execute("list_workflows", one_text(namespace_name))) {
      RowReader reader(row);
      std::string name = reader.text();
      if (workflows.empty() || workflows.back().name != name) workflows.push_back({std::move(name), {}});
      workflows.back().versions.push_back(reader.integer());
    }
    return workflows;
  });
}

Status put_webhook_endpoint(Session& session, const WebhookEndpointRow& endpoint) {
  return session.run<void>(Mode::write, [&](Transaction& transaction) -> Status {
    Parameters parameters = texts(endpoint.namespace_name, endpoint.name);
    parameters.text(endpoint.provider).text(endpoint.settings);
    transaction.execute("put_webhook_endpoint", std::move(parameters));
    return {};
  });
}

Result<WebhookEndpointRow> find_webhook_endpoint(Session& session, const std::string& namespace_name,
                                                 const std::string& name) {
  return session.run<WebhookEndpointRow>(Mode::read, [&](Transaction& transaction) -> Result<WebhookEndpointRow> {
    const pqxx::result rows = transaction.execute("find_webhook_endpoint", texts(namespace_name, name));
    if (rows.empty()) return fail(ErrorCode::not_found, "no such webhook endpoint: " + name);
    return read_endpoint(rows[0]);
  });
}

Result<std::vector<WebhookEndpointRow>> list_webhook_endpoints(Session& session, const std::string& namespace_name) {
  using Answer = std::vector<WebhookEndpointRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Answer endpoints;
    for (const auto& row : transaction.execute("list_webhook_endpoints", one_text(namespace_name))) {
      endpoints.push_back(read_endpoint(row));
    }
    return endpoints;
  });
}

Result<std::vector<WebhookReceiptAnswer>> record_webhooks(Session& session,
                                                          const std::vector<WebhookReceipt>& receipts) {
  using Answer = std::vector<WebhookReceiptAnswer>;
  return session.run<Answer>(Mode::transaction, [&](Transaction& transaction) -> Result<Answer> {
    Answer answers;
    for (const WebhookReceipt& receipt : receipts) {
      const WebhookDeliveryRow& delivery = receipt.delivery;
      Parameters parameters;
      parameters.integer(to_int(delivery.shard));
      auto delivery_id = uuid_from_string(delivery.delivery_id);
      if (!delivery_id) return std::move(delivery_id).error();
      parameters.id(Uuid<struct DeliveryTag>{*delivery_id});
      parameters.text(delivery.namespace_name)
          .text(delivery.endpoint)
          .text(delivery.provider)
          .text(delivery.dedupe_key);
      parameters.text(delivery.verdict);
      if (delivery.signal_id.empty()) {
        parameters.null();
      } else {
        auto signal_id = SignalId::parse(delivery.signal_id);
        if (!signal_id) return std::move(signal_id).error();
        parameters.id(*signal_id);
      }
      parameters.text(delivery.headers).bytes(delivery.body).micros(delivery.received_at);
      if (receipt.message) {
        const InboxRow& message = *receipt.message;
        parameters.integer(to_int(message.shard)).id(message.id).text(message.kind).text(message.body);
        parameters.micros(message.created_at);
      } else {
        parameters.null().null().null().null().null();
      }
      const pqxx::result row = transaction.execute("record_webhook", std::move(parameters));
      answers.push_back({.duplicate = RowReader(row.at(0)).boolean()});
    }
    return answers;
  });
}

}  // namespace orchestrator::store::postgres
