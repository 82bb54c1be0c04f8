#include "orchestrator/store/postgres/namespaces.hpp"

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

Parameters name_only(const std::string& name) {
  Parameters parameters;
  parameters.text(name);
  return parameters;
}

NamespaceRow read_namespace(const pqxx::row& row) {
  RowReader reader(row);
  NamespaceRow found;
  found.name = reader.text();
  found.created_at = reader.time();
  return found;
}

}  // namespace

Result<CreatedNamespace> create_namespace(Session& session, const std::string& name,
                                          const std::optional<AuditEntry>& audit) {
  return session.run<CreatedNamespace>(Mode::transaction, [&](Transaction& transaction) -> Result<CreatedNamespace> {
    const auto inserted = transaction.execute("insert_namespace", name_only(name)).affected_rows();
    CreatedNamespace answer{.row = read_namespace(transaction.execute("find_namespace", name_only(name)).at(0)),
                            .created = inserted == 1};
    if (answer.created) append_audit(transaction, kClusterChain, namespace_audit(audit, name));
    return answer;
  });
}

Result<std::vector<NamespaceRow>> list_namespaces(Session& session) {
  using Answer = std::vector<NamespaceRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Answer namespaces;
    for (const auto& row : transaction.execute("list_namespaces", Parameters()))
      namespaces.push_back(read_namespace(row));
    return namespaces;
  });
}

}  // namespace orchestrator::store::postgres
