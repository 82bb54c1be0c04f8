#include "orchestrator/store/postgres/definitions.hpp"

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
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

}  // namespace

Result<DeployAnswer> deploy(Session& session, const DeployRequest& request) {
  return session.run<DeployAnswer>(Mode::transaction, [&](Transaction& transaction) -> Result<DeployAnswer> {
    for (int tries = 0; tries < kMaxDeployTries; ++tries) {
      DeployAnswer answer{.version = 1, .created = true};
      std::string previous;
      const pqxx::result newest = transaction.execute("newest_definition", texts(request.namespace_name, request.name));
      if (!newest.empty()) {
        RowReader reader(newest[0]);
        const std::int32_t version = reader.integer();
        previous = reader.text();
        if (previous == request.checksum) return DeployAnswer{.version = version, .created = false};
        answer.version = version + 1;
      }
      Parameters parameters;
      parameters.text(request.namespace_name).text(request.name).integer(answer.version);
      parameters.text(request.checksum).text(request.source);
      if (transaction.execute("insert_definition", std::move(parameters)).affected_rows() == 1) {
        append_audit(transaction, kClusterChain, deploy_audit(request, previous));
        return answer;
      }
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

}  // namespace orchestrator::store::postgres
