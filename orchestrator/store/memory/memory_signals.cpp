// Signals as people read them, and what links one to another.
#include <algorithm>

#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

SignalView view_of(const Tables& tables, SignalRow row) {
  SignalView view{std::move(row), std::nullopt, std::nullopt};
  if (const auto link = tables.signal_links.find(view.signal_id); link != tables.signal_links.end()) {
    view.link = link->second;
  }
  const auto successor = tables.signal_successors.find(view.signal_id);
  if (successor != tables.signal_successors.end()) view.successor = successor->second;
  return view;
}

bool matches(const SignalView& view, const SignalFilter& filter) {
  if (view.namespace_name != filter.namespace_name) return false;
  if (!filter.name.empty() && view.name != filter.name) return false;
  if (!filter.key.empty() && view.key != filter.key) return false;
  if (filter.fate && view.fate != *filter.fate) return false;
  if (filter.run_id && view.run_id != filter.run_id && view.addressed_run_id != filter.run_id) return false;
  if (filter.origin && (!view.link || view.link->origin != *filter.origin)) return false;
  if (filter.received_after && view.received_at <= *filter.received_after) return false;
  return !filter.received_before || view.received_at < *filter.received_before;
}

}  // namespace

Result<SignalView> find_signal(const Tables& tables, SignalId signal_id) {
  if (const auto found = tables.signals.find(signal_id); found != tables.signals.end()) {
    return view_of(tables, found->second);
  }
  if (auto promised = find_promised_signal(tables, signal_id)) return view_of(tables, *std::move(promised));
  return fail(ErrorCode::not_found, "no such signal");
}

Result<SignalPage> list_signals(const Tables& tables, const SignalFilter& filter) {
  const auto before = SignalId::parse(filter.cursor);
  if (!before && !filter.cursor.empty()) {
    return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
  }
  std::vector<SignalView> found;
  const auto consider = [&](const SignalRow& row) {
    if (before && !(row.signal_id < *before)) return;
    SignalView view = view_of(tables, row);
    if (matches(view, filter)) found.push_back(std::move(view));
  };
  for (const auto& [id, row] : tables.signals) consider(row);
  for (const SignalRow& row : promised_signals(tables)) consider(row);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return b.signal_id < a.signal_id; });

  SignalPage page;
  const bool has_more = found.size() > static_cast<std::size_t>(filter.limit);
  if (has_more) found.resize(static_cast<std::size_t>(filter.limit));
  page.items = std::move(found);
  if (has_more) page.next_cursor = page.items.back().signal_id.str();
  return page;
}

void write_signal_links(Tables& tables, const Batch& batch) {
  for (const SignalLinkRow& link : batch.signal_links) {
    tables.signal_links.try_emplace(link.signal_id, link);
    if (link.kind == SignalLinkKind::broadcast) continue;
    auto& successor = tables.signal_successors[link.origin];
    successor = std::max(successor, link.signal_id);
  }
}

}  // namespace orchestrator::store::memory
