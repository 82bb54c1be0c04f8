#include "orchestrator/store/postgres/access.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

BinaryArray texts(const std::vector<std::string>& values) {
  BinaryArray array(ElementType::text);
  for (const std::string& value : values) array.add(std::string_view(value));
  return array;
}

std::vector<std::string> read_texts(RowReader& reader) {
  const auto json = parse_json(reader.text());
  return json && json->is_array() ? json->get<std::vector<std::string>>() : std::vector<std::string>{};
}

Role read_role(RowReader& reader) { return parse_role(reader.text()).value_or(Role::viewer); }

ApiKeyRow read_key(const pqxx::row& row) {
  RowReader reader(row);
  ApiKeyRow key;
  key.key_id = reader.id<KeyTag>();
  key.name = reader.text();
  key.role = read_role(reader);
  key.namespaces = read_texts(reader);
  key.scopes = read_texts(reader);
  key.prefix = reader.text();
  key.secret_sha256 = reader.text();
  key.created_at = reader.time();
  key.created_by = reader.text();
  key.expires_at = reader.optional_time();
  key.revoked_at = reader.optional_time();
  key.revision = reader.bigint();
  return key;
}

PolicyRow read_policy(const pqxx::row& row) {
  RowReader reader(row);
  PolicyRow policy;
  policy.namespace_name = reader.text();
  policy.rules = reader.text();
  policy.changed_at = reader.time();
  policy.changed_by = reader.text();
  policy.revision = reader.bigint();
  return policy;
}

ApprovalRow read_approval(const pqxx::row& row) {
  RowReader reader(row);
  ApprovalRow approval;
  approval.approval_id = reader.id<ApprovalTag>();
  approval.namespace_name = reader.text();
  approval.state = parse_approval_state(reader.text()).value_or(ApprovalState::waiting);
  approval.action = reader.text();
  approval.target = reader.text();
  approval.reason = reader.text();
  approval.approver_role = read_role(reader);
  approval.requested_by = reader.text();
  approval.requested_role = read_role(reader);
  approval.requested_credential = reader.text();
  approval.request = reader.text();
  approval.created_at = reader.time();
  approval.expires_at = reader.time();
  approval.decided_by = reader.optional_text();
  approval.decided_reason = reader.optional_text();
  approval.decided_at = reader.optional_time();
  if (!reader.next_is_null()) approval.status = reader.integer();
  approval.answer = reader.optional_text();
  return approval;
}

std::int64_t next_revision(Transaction& transaction) {
  return RowReader(transaction.execute("next_access_revision").at(0)).bigint();
}

Unexpected no_approval() { return fail(ErrorCode::not_found, "no such approval"); }

Parameters approval_parameters(const std::string& namespace_name, const ApprovalId& approval_id) {
  Parameters parameters;
  parameters.text(namespace_name).id(approval_id);
  return parameters;
}

Result<ApprovalRow> read_again(Transaction& transaction, const std::string& namespace_name,
                               const ApprovalId& approval_id) {
  const auto rows = transaction.execute("find_approval", approval_parameters(namespace_name, approval_id));
  if (rows.empty()) return no_approval();
  return read_approval(rows[0]);
}

Result<ApiKeyRow> create_key(Session& session, const ApiKeyRow& key, const std::optional<AuditEntry>& audit) {
  return session.run<ApiKeyRow>(Mode::transaction, [&](Transaction& transaction) -> Result<ApiKeyRow> {
    Parameters parameters;
    parameters.id(key.key_id).text(key.name).text(to_string(key.role));
    parameters.array(texts(key.namespaces)).array(texts(key.scopes)).text(key.prefix).text(key.secret_sha256);
    parameters.text(key.created_by).micros(key.expires_at).integer(next_revision(transaction)).integer(kMaxApiKeys);
    const auto rows = transaction.execute("insert_api_key", std::move(parameters));
    if (rows.empty()) return fail(ErrorCode::resource_exhausted, "there are as many API keys as there may be");
    ApiKeyRow made = read_key(rows[0]);
    append_audit(transaction, kClusterChain, key_audit(audit, std::nullopt, made));
    return made;
  });
}

Result<ApiKeyRow> revoke_key(Session& session, const KeyId& key_id, const std::string& actor,
                             const std::optional<AuditEntry>& audit) {
  return session.run<ApiKeyRow>(Mode::transaction, [&](Transaction& transaction) -> Result<ApiKeyRow> {
    Parameters parameters;
    parameters.id(key_id).text(actor).integer(next_revision(transaction));
    const auto rows = transaction.execute("revoke_api_key", std::move(parameters));
    if (rows.empty()) return fail(ErrorCode::not_found, "no such API key");
    ApiKeyRow revoked = read_key(rows[0]);
    ApiKeyRow before = revoked;
    before.revoked_at.reset();
    append_audit(transaction, kClusterChain, key_audit(audit, before, revoked));
    return revoked;
  });
}

Result<PolicyRow> put_policy(Session& session, const PolicyRow& policy, const std::optional<AuditEntry>& audit) {
  return session.run<PolicyRow>(Mode::transaction, [&](Transaction& transaction) -> Result<PolicyRow> {
    const std::int64_t revision = next_revision(transaction);
    Parameters name;
    name.text(policy.namespace_name);
    std::optional<PolicyRow> before;
    if (const auto known = transaction.execute("find_policy", std::move(name)); !known.empty()) {
      before = read_policy(known[0]);
    }
    Parameters parameters;
    parameters.text(policy.namespace_name).text(policy.rules).text(policy.changed_by).integer(revision);
    PolicyRow after = read_policy(transaction.execute("put_policy", std::move(parameters)).at(0));
    append_audit(transaction, kClusterChain, policy_audit(audit, before, after));
    return after;
  });
}

Result<AccessChanges> read_changes(Session& session, std::int64_t after_revision) {
  return session.run<AccessChanges>(Mode::read, [&](Transaction& transaction) -> Result<AccessChanges> {
    AccessChanges changes;
    // Read first: what is committed after this look comes with the next one.
    changes.revision = RowReader(transaction.execute("read_access_revision").at(0)).bigint();
    if (changes.revision <= after_revision) return changes;
    Parameters of_keys;
    of_keys.integer(after_revision);
    for (const auto& row : transaction.execute("list_changed_api_keys", std::move(of_keys))) {
      changes.keys.push_back(read_key(row));
    }
    Parameters of_policies;
    of_policies.integer(after_revision);
    for (const auto& row : transaction.execute("list_changed_policies", std::move(of_policies))) {
      changes.policies.push_back(read_policy(row));
    }
    return changes;
  });
}

Result<ApprovalRow> add_approval(Session& session, const ApprovalRow& row, const std::optional<AuditEntry>& audit) {
  return session.run<ApprovalRow>(Mode::transaction, [&](Transaction& transaction) -> Result<ApprovalRow> {
    Parameters parameters;
    parameters.id(row.approval_id).text(row.namespace_name).text(row.action).text(row.target).text(row.reason);
    parameters.text(to_string(row.approver_role)).text(row.requested_by).text(to_string(row.requested_role));
    parameters.text(row.requested_credential).text(row.request).micros(row.expires_at).integer(kMaxWaitingApprovals);
    const auto inserted = transaction.execute("insert_approval", std::move(parameters)).affected_rows();
    auto made = read_again(transaction, row.namespace_name, row.approval_id);
    if (inserted == 0 && made) return made;  // asked again under its idempotency key
    if (!made) return fail(ErrorCode::resource_exhausted, "as many requests wait for a second person as may");
    append_audit(transaction, kClusterChain, approval_audit(audit, std::nullopt, *made));
    return made;
  });
}

Result<ApprovalPage> list_approvals(Session& session, const ApprovalFilter& filter) {
  std::optional<ApprovalId> before;
  if (!filter.cursor.empty()) {
    auto id = ApprovalId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
    before = *id;
  }
  return session.run<ApprovalPage>(Mode::read, [&](Transaction& transaction) -> Result<ApprovalPage> {
    Parameters parameters;
    parameters.text(filter.namespace_name);
    parameters.text_or_null(filter.state ? std::optional(std::string(to_string(*filter.state))) : std::nullopt);
    parameters.id(before).integer(filter.limit + 1);
    ApprovalPage page;
    for (const auto& row : transaction.execute("list_approvals", std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = page.items.back().approval_id.str();
        break;
      }
      page.items.push_back(read_approval(row));
    }
    return page;
  });
}

Result<ApprovalRow> decide_approval(Session& session, const ApprovalDecision& decision,
                                    const std::optional<AuditEntry>& audit) {
  return session.run<ApprovalRow>(Mode::transaction, [&](Transaction& transaction) -> Result<ApprovalRow> {
    auto before = read_again(transaction, decision.namespace_name, decision.approval_id);
    if (!before) return before;
    Parameters parameters = approval_parameters(decision.namespace_name, decision.approval_id);
    parameters.text(to_string(decision.to)).text(decision.actor).text(decision.reason).integer(decision.hold.count());
    if (transaction.execute("decide_approval", std::move(parameters)).affected_rows() == 0) return not_waiting();
    auto after = read_again(transaction, decision.namespace_name, decision.approval_id);
    if (!after) return after;
    append_audit(transaction, kClusterChain, approval_audit(audit, *before, *after));
    return after;
  });
}

Result<ApprovalRow> finish_approval(Session& session, const std::string& namespace_name, const ApprovalId& approval_id,
                                    std::int32_t status, const std::string& answer) {
  return session.run<ApprovalRow>(Mode::transaction, [&](Transaction& transaction) -> Result<ApprovalRow> {
    Parameters parameters = approval_parameters(namespace_name, approval_id);
    parameters.integer(status).text(answer);
    if (transaction.execute("finish_approval", std::move(parameters)).affected_rows() == 0) return not_waiting();
    return read_again(transaction, namespace_name, approval_id);
  });
}

Result<std::int64_t> expire_approvals(Session& session) {
  return session.run<std::int64_t>(Mode::transaction, [&](Transaction& transaction) -> Result<std::int64_t> {
    Parameters most;
    most.integer(kMaxSweptApprovals);
    std::vector<ApprovalRow> over;
    for (const auto& row : transaction.execute("lock_overdue_approvals", std::move(most))) {
      over.push_back(read_approval(row));
    }
    for (const ApprovalRow& row : over) {
      const AuditEntry entry = expired_approval_audit(row);
      Parameters parameters = approval_parameters(row.namespace_name, row.approval_id);
      parameters.text(to_string(ApprovalState::expired)).text(entry.caller.actor).text(entry.reason).integer(0);
      transaction.execute("decide_approval", std::move(parameters));
      auto after = read_again(transaction, row.namespace_name, row.approval_id);
      if (!after) return std::move(after).error();
      append_audit(transaction, kClusterChain, approval_audit(entry, row, *after));
    }
    return static_cast<std::int64_t>(over.size());
  });
}

Result<std::vector<ApprovalRow>> take_approved(Session& session, std::chrono::milliseconds hold) {
  using Rows = std::vector<ApprovalRow>;
  return session.run<Rows>(Mode::transaction, [&](Transaction& transaction) -> Result<Rows> {
    Parameters parameters;
    parameters.integer(hold.count()).integer(std::chrono::seconds(kApprovedLife).count()).integer(kMaxSweptApprovals);
    Rows taken;
    for (const auto& row : transaction.execute("take_approved", std::move(parameters))) {
      taken.push_back(read_approval(row));
    }
    return taken;
  });
}

template <typename T, typename Work>
void on(SessionPool& pool, std::function<void(Result<T>)> done, Work work) {
  pool.post([done = std::move(done), work = std::move(work)](Session& session) { done(work(session)); });
}

}  // namespace

void PostgresAccess::create_key(ApiKeyRow key, std::optional<AuditEntry> audit, Done<ApiKeyRow> done) {
  on(pages_, std::move(done), [key = std::move(key), audit = std::move(audit)](Session& session) {
    return postgres::create_key(session, key, audit);
  });
}

void PostgresAccess::revoke_key(KeyId key_id, std::string actor, std::optional<AuditEntry> audit,
                                Done<ApiKeyRow> done) {
  on(pages_, std::move(done), [key_id, actor = std::move(actor), audit = std::move(audit)](Session& session) {
    return postgres::revoke_key(session, key_id, actor, audit);
  });
}

void PostgresAccess::put_policy(PolicyRow policy, std::optional<AuditEntry> audit, Done<PolicyRow> done) {
  on(pages_, std::move(done), [policy = std::move(policy), audit = std::move(audit)](Session& session) {
    return postgres::put_policy(session, policy, audit);
  });
}

void PostgresAccess::read_changes(std::int64_t after_revision, Done<AccessChanges> done) {
  on(quick_, std::move(done),
     [after_revision](Session& session) { return postgres::read_changes(session, after_revision); });
}

void PostgresAccess::add_approval(ApprovalRow approval, std::optional<AuditEntry> audit, Done<ApprovalRow> done) {
  on(pages_, std::move(done), [approval = std::move(approval), audit = std::move(audit)](Session& session) {
    return postgres::add_approval(session, approval, audit);
  });
}

void PostgresAccess::find_approval(std::string namespace_name, ApprovalId approval_id, Done<ApprovalRow> done) {
  on(pages_, std::move(done), [namespace_name = std::move(namespace_name), approval_id](Session& session) {
    return session.run<ApprovalRow>(
        Mode::read, [&](Transaction& transaction) { return read_again(transaction, namespace_name, approval_id); });
  });
}

void PostgresAccess::list_approvals(ApprovalFilter filter, Done<ApprovalPage> done) {
  on(pages_, std::move(done),
     [filter = std::move(filter)](Session& session) { return postgres::list_approvals(session, filter); });
}

void PostgresAccess::decide_approval(ApprovalDecision decision, std::optional<AuditEntry> audit,
                                     Done<ApprovalRow> done) {
  on(pages_, std::move(done), [decision = std::move(decision), audit = std::move(audit)](Session& session) {
    return postgres::decide_approval(session, decision, audit);
  });
}

void PostgresAccess::finish_approval(std::string namespace_name, ApprovalId approval_id, std::int32_t status,
                                     std::string answer, Done<ApprovalRow> done) {
  on(pages_, std::move(done),
     [namespace_name = std::move(namespace_name), approval_id, status, answer = std::move(answer)](Session& session) {
       return postgres::finish_approval(session, namespace_name, approval_id, status, answer);
     });
}

void PostgresAccess::expire_approvals(Done<std::int64_t> done) {
  on(pages_, std::move(done), [](Session& session) { return postgres::expire_approvals(session); });
}

void PostgresAccess::take_approved(std::chrono::milliseconds hold, Done<std::vector<ApprovalRow>> done) {
  on(pages_, std::move(done), [hold](Session& session) { return postgres::take_approved(session, hold); });
}

}  // namespace orchestrator::store::postgres
