#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/live_screen.hpp"
#include "orchestrator/app/relative_time.hpp"
#include "orchestrator/app/stop_signal.hpp"
#include "orchestrator/app/top_json.hpp"
#include "orchestrator/app/top_reading.hpp"
#include "orchestrator/app/top_view.hpp"
#include "orchestrator/app/verbs.hpp"

namespace orchestrator::app {
namespace {

/// How soon a key or a SIGTERM is noticed.
constexpr std::chrono::milliseconds kAttention{100};
constexpr char kCtrlC = 3;

struct TopOptions {
  ClientOptions client;
  double interval_seconds = 1;
  bool once = false;

  [[nodiscard]] std::chrono::milliseconds interval() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(interval_seconds * 1'000));
  }
};

void print(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << line << "\n";
  std::cout.flush();
}

/// Two looks, so that there are rates; one frame, or one JSON object.
void show_once(const TopOptions& options, Exit& exit) {
  StopSignal stop;
  TopReader reader(options.client);
  const auto before = reader.read();
  if (!before) return explain(before.error(), exit);
  if (stop.wait_for(options.interval())) return;
  const auto now = reader.read();
  if (!now) return explain(now.error(), exit);
  if (options.client.json()) {
    std::cout << dump_json(top_json(*now, &*before)) << "\n";
    return;
  }
  TopFrame frame;
  frame.page = page_of_output();
  print(draw_top(*now, &*before, frame));
}

/// In a pipe: a frame after the other, until somebody ends it or the server does not answer.
void print_frames(const TopOptions& options, Exit& exit) {
  StopSignal stop;
  TopReader reader(options.client);
  std::optional<TopReading> before;
  do {
    auto now = reader.read();
    if (!now) return explain(now.error(), exit);
    TopFrame frame;
    frame.page = page_of_output();
    if (before) std::cout << "\n";
    print(draw_top(*now, before ? &*before : nullptr, frame));
    before = *std::move(now);
  } while (std::cout.good() && !stop.wait_for(options.interval()));
}

/// Waits for the next frame's time. True when somebody wants to leave; a space asks for the next frame at once.
bool wait(const LiveScreen& screen, const StopSignal& stop, std::chrono::steady_clock::time_point until) {
  for (;;) {
    if (stop.is_requested()) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const char key = screen.key(std::min(left, kAttention));
    if (key == 'q' || key == 'Q' || key == kCtrlC) return true;
    if (key == ' ') return false;
  }
}

/// The last answer stays on the screen while the server is away.
void watch(const TopOptions& options, Exit& exit) {
  const StopSignal stop;
  TopReader reader(options.client);
  auto first = reader.read();
  if (!first) return explain(first.error(), exit);
  TopReading now = *std::move(first);
  std::optional<TopReading> before;
  bool away = false;
  const LiveScreen screen;
  for (;;) {
    TopFrame frame;
    frame.page = page_of_output();
    frame.rows = LiveScreen::rows();
    frame.alarming = away;
    const auto since = std::chrono::floor<Duration>(std::chrono::steady_clock::now() - now.taken);
    frame.note = away ? "no answer for " + in_short(since) : "q quits";
    screen.show(draw_top(now, before ? &*before : nullptr, frame));
    if (wait(screen, stop, std::chrono::steady_clock::now() + options.interval())) return;

    auto next = reader.read();
    away = !next;
    if (next) before = std::exchange(now, *std::move(next));
  }
}

}  // namespace

void add_top_verb(CLI::App& root, Exit& exit) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* verb = root.add_subcommand("top", "Watch rates, queues, workers, nodes and what needs a person");
  verb->add_option("--interval", options->interval_seconds, "seconds between two frames")
      ->check(CLI::Range(0.2, 3'600.0))
      ->capture_default_str();
  verb->add_flag("--once", options->once, "print one frame, with the rates of one interval; as is -o json");
  add_client_options(*verb, options->client);
  verb->callback([options, &exit] {
    if (options->once || options->client.json()) {
      show_once(*options, exit);
    } else if (isatty(STDOUT_FILENO) != 0) {
      watch(*options, exit);
    } else {
      print_frames(*options, exit);
    }
  });
}

}  // namespace orchestrator::app
