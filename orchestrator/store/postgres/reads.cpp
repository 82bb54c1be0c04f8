#include "orchestrator/store/postgres/reads.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/store/postgres/planned_reads.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

/// What one page of runs looks at at most where a filter has no index of its own: closed runs, and open runs or
/// messages of one shard. A page that found less than its limit by then goes on from there with its cursor. Source:
/// both together stay under 100 ms on two cores, benchmarks/screens.
constexpr std::int64_t kMaxClosedLookedAt = 20'000;
constexpr std::int64_t kMaxLookedAtPerShard = 150;

RunView read_view(const pqxx::row& row) {
  RowReader reader(row);
  RunView view;
  view.header = read_header(reader);
  view.state = read_run_state(reader);
  view.waiting_on = shown_waiting_on(view.header, reader.text());
  view.output = reader.payload();
  view.error = reader.optional_text();
  view.cause = reader.optional_text();
  view.attempts = reader.integer();
  view.started_at = reader.optional_time();
  view.closed_at = reader.optional_time();
  view.wake_at = reader.optional_time();
  view.dead_letter = read_dead_letter(reader);
  view.successor_run_id = reader.optional_id<RunTag>();
  view.job_state = reader.optional_text();
  view.discarded = reader.optional_text();
  return view;
}

SignalView read_signal_view(const pqxx::row& row) {
  RowReader reader(row, 1);
  SignalView view{read_signal(reader), std::nullopt, std::nullopt};
  const auto origin = reader.optional_id<SignalTag>();
  const auto kind = parse_signal_link_kind(reader.optional_text().value_or(""));
  auto reason = reader.optional_text();
  auto actor = reader.optional_text();
  const auto created_at = reader.optional_time();
  if (origin && kind) {
    view.link = SignalLinkRow{.shard = shard_of(*origin),
                              .origin = *origin,
                              .signal_id = view.signal_id,
                              .kind = *kind,
                              .reason = std::move(reason).value_or(""),
                              .actor = std::move(actor).value_or(""),
                              .created_at = created_at.value_or(Timestamp{})};
  }
  view.successor = reader.optional_id<SignalTag>();
  return view;
}

std::optional<std::string> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

/// A page's cursor is the id of its last item: ids give the order, and never change.
template <typename Tag>
Result<std::optional<Uuid<Tag>>> parse_cursor(const std::string& cursor) {
  if (cursor.empty()) return std::optional<Uuid<Tag>>{};
  auto id = Uuid<Tag>::parse(cursor);
  if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
  return std::optional<Uuid<Tag>>{*id};
}

/// An object with the wanted attributes; their values are JSON texts already.
std::string attribute_filter(const std::map<std::string, std::string>& attributes) {
  std::string object = "{";
  for (const auto& [name, value] : attributes) {
    if (object.size() > 1) object += ',';
    object += dump_json(Json(name)) + ':' + value;
  }
  return object + "}";
}

std::optional<BinaryArray> state_names(const RunFilter& filter) {
  if (filter.states.empty()) return std::nullopt;
  BinaryArray states(ElementType::text);
  for (RunState state : filter.states) states.add(to_string(state));
  return states;
}

Parameters filter_parameters(const RunFilter& filter, const std::optional<RunId>& before) {
  Parameters parameters;
  // One more than the page shows whether there is another page.
  parameters.text(filter.namespace_name).integer(filter.limit + 1).id(before);
  parameters.array_or_null(state_names(filter));
  parameters.text_or_null(unless_empty(filter.workflow));
  parameters.integer(filter.version ? std::optional<std::int64_t>{*filter.version} : std::nullopt);
  parameters.text_or_null(unless_empty(filter.error)).text_or_null(unless_empty(filter.waiting_on));
  if (filter.attributes.empty()) {
    parameters.null();
  } else {
    // jsonb in binary form begins with the version of the format.
    parameters.bytes("\1" + attribute_filter(filter.attributes));
  }
  parameters.micros(filter.started_after).micros(filter.started_before).text_or_null(unless_empty(filter.text));
  parameters.boolean(filter.only_dead_letters);
  parameters.text_or_null(unless_empty(filter.queue)).text_or_null(unless_empty(filter.handler));
  return parameters;
}

/// Whether any run of the namespace fits.
bool takes_all(const RunFilter& filter) {
  return filter.states.empty() && filter.workflow.empty() && !filter.version && filter.error.empty() &&
         filter.waiting_on.empty() && filter.queue.empty() && filter.handler.empty() && filter.attributes.empty() &&
         !filter.started_after && !filter.started_before && filter.text.empty() && !filter.only_dead_letters;
}

/// Before which run this page does not look; nothing: it looks at all there are.
std::optional<RunId> find_horizon(Transaction& transaction, const RunFilter& filter,
                                  const std::optional<RunId>& before) {
  Parameters parameters;
  parameters.text(filter.namespace_name).id(before).array_or_null(state_names(filter));
  parameters.text_or_null(unless_empty(filter.error)).text_or_null(unless_empty(filter.waiting_on));
  parameters.micros(filter.started_after).micros(filter.started_before).boolean(filter.only_dead_letters);
  parameters.integer(takes_all(filter) ? filter.limit + 1 : kMaxClosedLookedAt);
  // Open runs of other namespaces lie between, so a page of all runs may need as many.
  parameters.integer(kMaxLookedAtPerShard);
  const pqxx::result rows = transaction.execute("find_run_horizon", std::move(parameters));
  if (rows.empty()) return std::nullopt;
  RowReader reader(rows[0]);
  return reader.optional_id<RunTag>();
}

}  // namespace

Result<RunView> find_run(Session& session, RunId run_id) {
  return session.run<RunView>(Mode::read, [&](Transaction& transaction) -> Result<RunView> {
    Parameters parameters;
    parameters.integer(to_int(shard_of(run_id))).id(run_id).micros(time_of(run_id.bytes));
    const pqxx::result rows = transaction.execute("find_run", std::move(parameters));
    if (rows.empty()) return fail(ErrorCode::not_found, "no such run");
    return read_view(rows[0]);
  });
}

Result<RunPage> list_runs(Session& session, const RunFilter& filter, std::int32_t shard_count) {
  auto before = parse_cursor<RunTag>(filter.cursor);
  if (!before) return std::move(before).error();
  return read_planned<RunPage>(session, [&](Transaction& transaction) -> Result<RunPage> {
    Parameters parameters = filter_parameters(filter, *before);
    std::optional<RunId> horizon;
    const char* statement = "list_runs";
    if (filter.parent_run_id) {
      statement = "list_runs_by_parent";
      parameters.id(filter.parent_run_id).text_or_null(unless_empty(filter.key));
    } else if (!filter.key.empty()) {
      statement = "list_runs_by_key";
      const ShardId shard = digest::shard_for_key(filter.namespace_name, filter.key, shard_count);
      parameters.text(filter.key).integer(to_int(shard));
    } else {
      horizon = find_horizon(transaction, filter, *before);
      parameters.id(horizon);
    }
    RunPage page;
    for (const auto& row : transaction.execute(statement, std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = page.items.back().header.id.str();
        return page;
      }
      page.items.push_back(read_view(row));
    }
    if (horizon) page.next_cursor = horizon->str();
    return page;
  });
}

Result<std::vector<JournalRow>> read_journal(Session& session, RunId run_id, EventId from, std::int32_t limit) {
  using Answer = std::vector<JournalRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Parameters parameters;
    parameters.integer(to_int(shard_of(run_id))).id(run_id).integer(from).integer(limit);
    Answer journal;
    for (const auto& row : transaction.execute("read_journal", std::move(parameters))) {
      RowReader reader(row);
      JournalRow entry{.shard = shard_of(run_id), .run_id = run_id};
      entry.seq = reader.bigint();
      entry.at = reader.time();
      entry.events = reader.text();
      journal.push_back(std::move(entry));
    }
    return journal;
  });
}

Result<SignalView> find_signal(Session& session, SignalId signal_id) {
  return session.run<SignalView>(Mode::read, [&](Transaction& transaction) -> Result<SignalView> {
    Parameters parameters;
    parameters.integer(to_int(shard_of(signal_id))).id(signal_id);
    const pqxx::result rows = transaction.execute("find_signal", std::move(parameters));
    if (rows.empty()) return fail(ErrorCode::not_found, "no such signal");
    return read_signal_view(rows[0]);
  });
}

Result<SignalPage> list_signals(Session& session, const SignalFilter& filter) {
  auto before = parse_cursor<SignalTag>(filter.cursor);
  if (!before) return std::move(before).error();
  return read_planned<SignalPage>(session, [&](Transaction& transaction) -> Result<SignalPage> {
    Parameters parameters;
    parameters.text(filter.namespace_name).integer(filter.limit + 1).id(*before);
    parameters.text_or_null(unless_empty(filter.name)).text_or_null(unless_empty(filter.key));
    parameters.text_or_null(filter.fate ? std::optional<std::string>{to_string(*filter.fate)} : std::nullopt)
        .id(filter.run_id);
    parameters.id(filter.origin).micros(filter.received_after).micros(filter.received_before);
    SignalPage page;
    for (const auto& row : transaction.execute("list_signals", std::move(parameters))) {
      if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
        page.next_cursor = page.items.back().signal_id.str();
        break;
      }
      page.items.push_back(read_signal_view(row));
    }
    return page;
  });
}

Result<std::vector<SignalRow>> expired_signals(Session& session, const std::vector<ShardId>& shards, Timestamp now,
                                               std::int32_t limit) {
  using Answer = std::vector<SignalRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    BinaryArray numbers(ElementType::integer);
    for (ShardId shard : shards) numbers.add(to_int(shard));
    Parameters parameters;
    parameters.array(std::move(numbers)).micros(now).integer(limit);
    Answer signals;
    for (const auto& row : transaction.execute("expired_signals", std::move(parameters))) {
      RowReader reader(row, 1);
      signals.push_back(read_signal(reader));
    }
    return signals;
  });
}

}  // namespace orchestrator::store::postgres
