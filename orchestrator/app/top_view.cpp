#include "orchestrator/app/top_view.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <sstream>
#include <tuple>

#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/app/run_words.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/top_change.hpp"
#include "orchestrator/app/top_reading.hpp"

namespace orchestrator::app {
namespace {

using Lines = std::vector<std::string>;

/// What the blocks of a small frame keep of it whatever those before them have to say, in their order, with an empty
/// line.
constexpr std::array<std::size_t, 4> kKeptLines{0, 6, 4, 4};
/// A gauge of the database is read by every node a few seconds apart; ages below this are no news.
constexpr double kOldSnapshotSeconds = 600;

std::string number(double value, int decimals = 0) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

/// "0.4", "12", "1.2k": what fits into a column.
std::string amount(double value) {
  if (value >= 1e6) return number(value / 1e6, 1) + "M";
  if (value >= 1e4) return number(value / 1e3, 1) + "k";
  return number(value, value < 10 && value != std::floor(value) ? 1 : 0);
}

std::string seconds_short(double seconds) {
  if (seconds > 0 && seconds < 0.01) return number(seconds * 1'000, 1) + "ms";
  return in_short(Duration(static_cast<std::int64_t>(std::max(seconds, 0.0) * 1e6)));
}

std::string bytes_short(double bytes) {
  if (bytes >= 1e9) return number(bytes / 1e9, 1) + " GB";
  return number(bytes / 1e6) + " MB";
}

std::string per_second(const std::optional<double>& rate) { return rate ? amount(*rate) + "/s" : "-"; }
std::string slowest(const std::optional<double>& seconds) { return seconds ? seconds_short(*seconds) : "-"; }

Lines rates(const TopReading& now, const TopChange& change, const Page& page) {
  const auto failures = [&](const std::optional<double>& rate, const std::string& word) {
    const std::string text = per_second(rate) + " " + word;
    return rate.value_or(0) > 0 ? page.paint(text, Tone::bad) : text;
  };
  const auto steps = change.rate("orchestrator_steps_total");
  const auto failed_steps = change.rate("orchestrator_steps_total", {{"outcome", "failed"}});
  const auto requests = change.rate("orchestrator_http_requests_total");
  const auto errors = change.server_errors();
  Lines lines;
  lines.push_back("runs    " + per_second(change.rate("orchestrator_runs_started_total")) + " started, " +
                  per_second(change.rate("orchestrator_runs_closed_total", {{"state", "succeeded"}})) + " succeeded, " +
                  failures(change.rate("orchestrator_runs_closed_total", {{"state", "failed"}}), "failed"));
  lines.push_back("steps   " + per_second(steps) + " attempts, " + failures(failed_steps, "failed") + ", p95 pick-up " +
                  slowest(change.slow("orchestrator_step_pickup_seconds")) + ", p95 timer lag " +
                  slowest(change.slow("orchestrator_timer_lag_seconds")));
  lines.push_back("http    " + per_second(requests) + " requests, " + failures(errors, "server errors") + ", p95 " +
                  slowest(change.slow("orchestrator_http_request_seconds")));
  lines.push_back("store   " + per_second(change.rate("orchestrator_store_commits_total", {{"outcome", "committed"}})) +
                  " commits, p95 " + slowest(change.slow("orchestrator_store_commit_seconds")) + ", " +
                  bytes_short(greatest(now, "orchestrator_store_database_bytes")) + ", oldest snapshot " +
                  seconds_short(greatest(now, "orchestrator_store_oldest_snapshot_age_seconds")));
  return lines;
}

/// What a kind of failure has to say: how many, and when the last one was.
struct ErrorGroup {
  std::size_t count = 0;
  std::string newest;
};

std::string error_name(const Json& run) {
  const auto error = run.find("error");
  return error != run.end() && error->is_object() ? string_member(*error, "error", "unknown") : "unknown";
}

std::map<std::string, ErrorGroup> errors_of(const Json& dead_letters) {
  std::map<std::string, ErrorGroup> groups;
  for (const Json& run : dead_letters) {
    ErrorGroup& group = groups[error_name(run)];
    ++group.count;
    group.newest = std::max(group.newest, string_member(run, "failed_at"));
  }
  return groups;
}

std::string plural(std::size_t count, const char* one, const char* many, bool or_more = false) {
  return std::to_string(count) + (or_more ? "+ " : " ") + (count == 1 && !or_more ? one : many);
}

void tell_dead_letters(const TopReading& now, Lines& needs) {
  if (now.dead_letters.empty()) return;
  std::string text = plural(now.dead_letters.size(), "dead letter", "dead letters", now.more_dead_letters);
  const double oldest = greatest(now, "orchestrator_dead_letters_oldest_age_seconds");
  if (oldest > 0) text += ", the oldest for " + seconds_short(oldest);
  needs.push_back(text + ": orchestrator dead-letter list");
  std::vector<std::pair<std::string, ErrorGroup>> groups;
  for (const auto& group : errors_of(now.dead_letters)) groups.push_back(group);
  std::ranges::sort(groups, [](const auto& a, const auto& b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count : a.first < b.first;
  });
  for (std::size_t i = 0; i < std::min<std::size_t>(groups.size(), 3); ++i) {
    needs.push_back("  " + std::to_string(groups[i].second.count) + " x " + groups[i].first + ", last " +
                    relative_to(now.at, groups[i].second.newest));
  }
}

void tell_decisions(const TopReading& now, Lines& needs) {
  if (now.decisions.empty()) return;
  std::string oldest;
  for (const Json& decision : now.decisions) {
    const std::string since = string_member(decision, "since");
    if (oldest.empty() || since < oldest) oldest = since;
  }
  std::string text = plural(now.decisions.size(), "decision waits", "decisions wait", now.more_decisions);
  if (const auto since = parse_rfc3339(oldest)) text += ", the oldest for " + in_short(now.at - *since);
  needs.push_back(text + ": orchestrator run list --state waiting");
}

void tell_queues(const TopReading& now, Lines& needs) {
  for (const Json& queue : now.queues) {
    if (!queue.value("paused", false)) continue;
    std::string text = "queue " + string_member(queue, "name") + " is paused";
    if (const auto since = parse_rfc3339(string_member(queue, "paused_at")))
      text += " for " + in_short(now.at - *since);
    needs.push_back(text + ": orchestrator queue resume " + string_member(queue, "name"));
  }
  std::map<std::string, double> missing;
  for (const TopNode& node : now.nodes) {
    if (!node.metrics) continue;
    for (const Sample& sample : node.metrics->series("orchestrator_steps_without_handler")) {
      const auto handler = sample.labels.find("handler");
      if (handler != sample.labels.end()) missing[handler->second] += sample.value;
    }
  }
  for (const auto& [handler, steps] : missing) {
    const auto tasks = [](double count) { return amount(count) + (count == 1 ? " task waits" : " tasks wait"); };
    if (steps > 0) needs.push_back(tasks(steps) + " for handler " + handler + ", which nobody performs");
  }
}

void tell_installation(const TopReading& now, Lines& needs) {
  for (const std::string& node : now.missing_nodes) needs.push_back("node " + node + " does not answer its peers");
  const double stuck =
      std::max(greatest(now, "orchestrator_runs_stuck"), greatest(now, "orchestrator_runs_stuck_at_rest"));
  if (stuck > 0)
    needs.push_back(amount(stuck) + (stuck == 1 ? " run is" : " runs are") + " stuck: orchestrator doctor");
  const double unmatched = greatest(now, "orchestrator_signals_unmatched");
  if (unmatched > 0)
    needs.push_back(amount(unmatched) + (unmatched == 1 ? " signal has" : " signals have") +
                    " no run that waits for it");
  const double overdue = greatest(now, "orchestrator_schedule_overdue_seconds");
  if (overdue > 60) needs.push_back("a schedule is late by " + seconds_short(overdue) + ": orchestrator schedule list");
  const double snapshot = greatest(now, "orchestrator_store_oldest_snapshot_age_seconds");
  if (snapshot > kOldSnapshotSeconds) {
    needs.push_back("vacuum is held back for " + seconds_short(snapshot) + ": orchestrator doctor");
  }
}

Lines needs_a_person(const TopReading& now, const Page& page) {
  Lines needs;
  tell_dead_letters(now, needs);
  tell_decisions(now, needs);
  tell_queues(now, needs);
  tell_installation(now, needs);
  Lines lines{page.paint("NEEDS A PERSON", Tone::strong)};
  if (needs.empty()) return {lines.front() + "  nothing"};
  for (const std::string& need : needs) {
    lines.push_back("  " + page.paint(shortened(without_controls(need), page.columns ? page.columns - 2 : need.size()),
                                      Tone::warning));
  }
  return lines;
}

Lines lines_of(const Table& table, const Page& page) {
  std::ostringstream out;
  table.print(out, page);
  Lines lines;
  std::string line;
  std::istringstream in(out.str());
  while (std::getline(in, line)) lines.push_back(page.columns == 0 ? line : clipped(line, page.columns));
  return lines;
}

/// Those with something in them first, the longest waiting on top.
Lines queues(const TopReading& now, const Page& page) {
  std::vector<const Json*> rows;
  for (const Json& queue : now.queues) rows.push_back(&queue);
  if (rows.empty()) return {};
  const auto figure = [](const Json* queue, const char* member) { return queue->value(member, 0.0); };
  std::ranges::sort(rows, [&](const Json* a, const Json* b) {
    const auto rank = [&](const Json* queue) {
      return std::tuple(-figure(queue, "oldest_ready_age_seconds"), -figure(queue, "depth"),
                        -figure(queue, "in_flight"), string_member(*queue, "name"));
    };
    return rank(a) < rank(b);
  });
  Table table({"QUEUE", "DEPTH", "OLDEST", "IN HAND", "STARTS", "WORKERS", "STATE, LIMITS"});
  for (const Json* queue : rows) {
    const bool paused = queue->value("paused", false);
    const double depth = figure(queue, "depth");
    const std::string limits = limits_in_words(queue->value("limits", Json()));
    table.add({string_member(*queue, "name"), amount(depth),
               depth > 0 ? seconds_short(figure(queue, "oldest_ready_age_seconds")) : "-",
               amount(figure(queue, "in_flight")), amount(figure(queue, "rate_per_second")) + "/s",
               std::to_string(queue->value("workers", Json::array()).size()),
               Cell(paused ? (limits == "-" ? "paused" : "paused, " + limits) : limits,
                    paused ? Tone::warning : Tone::plain)});
  }
  return lines_of(table, page);
}

/// Who has something in hand, over all queues. Those who only wait say nothing.
Lines workers(const TopReading& now, const Page& page) {
  struct Hands {
    std::int64_t in_hand = 0;
    std::string queues;
  };
  std::map<std::string, Hands> hands;
  for (const Json& queue : now.queues) {
    for (const Json& worker : queue.value("workers", Json::array())) {
      const auto in_flight = worker.value("in_flight", std::int64_t{0});
      if (in_flight <= 0) continue;
      Hands& of = hands[string_member(worker, "worker_id")];
      of.in_hand += in_flight;
      of.queues += (of.queues.empty() ? "" : ", ") + string_member(queue, "name");
    }
  }
  if (hands.empty()) return {};
  std::vector<std::pair<std::string, Hands>> rows(hands.begin(), hands.end());
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    return std::tuple(-a.second.in_hand, a.first) < std::tuple(-b.second.in_hand, b.first);
  });
  Table table({"WORKER", "IN HAND", "OF QUEUES"});
  for (const auto& [worker, of] : rows) table.add({worker, std::to_string(of.in_hand), of.queues});
  return lines_of(table, page);
}

Lines nodes(const TopReading& now, const TopChange& change, const Page& page) {
  Table table({"NODE", "SHARDS", "SLOTS", "CPU", "MEMORY", "RUNS HERE", "HEARTBEAT", "VERSION"});
  for (const TopNode& node : now.nodes) {
    if (!node.metrics) {
      table.add(
          {node.node_id, std::to_string(node.shards), "-", "-", "-", "-", "-", Cell("no metrics", Tone::warning)});
      continue;
    }
    const MetricsText& metrics = *node.metrics;
    const auto cpu = change.rate_of(node, "orchestrator_process_cpu_seconds", {});
    const auto& build = metrics.series("orchestrator_build_info");
    const auto version = build.empty() ? Labels::const_iterator{} : build.front().labels.find("version");
    table.add({node.node_id, std::to_string(node.shards),
               amount(metrics.sum("orchestrator_handler_slots_busy")) + "/" +
                   amount(metrics.sum("orchestrator_handler_slots")),
               cpu ? number(*cpu * 100) + "%" : "-", bytes_short(metrics.max("orchestrator_process_resident_bytes")),
               amount(metrics.sum("orchestrator_runs_open")),
               seconds_short(metrics.max("orchestrator_node_heartbeat_age_seconds")),
               build.empty() || version == build.front().labels.end() ? "-" : version->second});
  }
  return lines_of(table, page);
}

/// A block may be cut to its room; what is left out is said in its last line.
void append(Lines& frame, const Lines& block, std::size_t room, const Page& page) {
  if (block.empty() || room < 2) return;
  if (!frame.empty()) frame.emplace_back();
  const std::size_t left = frame.size() > 1 ? room - 1 : room;
  const std::size_t shown = block.size() <= left ? block.size() : left - 1;
  frame.insert(frame.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(shown));
  if (shown < block.size()) {
    frame.push_back(page.paint("  ... " + std::to_string(block.size() - shown) + " more", Tone::faint));
  }
}

std::string heading(const TopReading& now, const TopFrame& frame) {
  const Page& page = frame.page;
  const std::string time = to_rfc3339(now.at).substr(11, 8) + "Z";
  std::string left = "orchestrator top  " + now.url;
  if (!now.namespace_name.empty()) left += "  " + now.namespace_name;
  std::string right = time + (frame.note.empty() ? "" : "  " + frame.note);
  if (page.columns > 0) {
    right = shortened(right, page.columns / 2);
    left = padded(shortened(left, page.columns - width_of(right) - 2), page.columns - width_of(right));
  } else {
    left += "  ";
  }
  return page.paint(left, Tone::strong) + page.paint(right, frame.alarming ? Tone::bad : Tone::plain);
}

}  // namespace

std::vector<std::string> draw_top(const TopReading& now, const TopReading* before, const TopFrame& frame) {
  const Page& page = frame.page;
  const TopChange change(now, before);
  Lines lines{heading(now, frame)};
  const Lines plain = rates(now, change, Page{});
  const Lines painted = rates(now, change, page);
  for (std::size_t at = 0; at < plain.size(); ++at) {
    const bool fits = page.columns == 0 || width_of(plain[at]) <= page.columns;
    lines.push_back(fits ? painted[at] : shortened(plain[at], page.columns));
  }

  // What needs a person comes whole if it can; the queues share what is left with the workers and the nodes.
  const std::array<Lines, 4> blocks{needs_a_person(now, page), queues(now, page), nodes(now, change, page),
                                    workers(now, page)};
  const std::size_t all = 100'000;
  for (std::size_t at = 0; at < blocks.size(); ++at) {
    if (frame.rows == 0) {
      append(lines, blocks[at], all, page);
      continue;
    }
    const std::size_t left = frame.rows > lines.size() ? frame.rows - lines.size() : 0;
    // Each later block keeps room for an empty line, its heading, some rows and how many more there are.
    std::size_t kept = 0;
    for (std::size_t later = at + 1; later < blocks.size(); ++later) {
      kept += blocks[later].empty() ? 0 : std::min(blocks[later].size() + 1, kKeptLines[later]);
    }
    append(lines, blocks[at], left > kept ? left - kept : 0, page);
  }
  if (frame.rows != 0 && lines.size() > frame.rows) lines.resize(frame.rows);
  return lines;
}

}  // namespace orchestrator::app
