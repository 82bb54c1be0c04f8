#include "tests/simulation/chaos.hpp"

#include <algorithm>

namespace orchestrator::testing {
namespace {

/// For so long after a clock step or a stop, a node may think it holds a lease that the database gave to another.
constexpr Duration kLease = std::chrono::seconds{10};
constexpr Duration kMostBetweenDisturbances = std::chrono::seconds{4};
constexpr Duration kMostFrozen = std::chrono::seconds{18};
constexpr int kMostLooks = 300;
constexpr Duration kMostDown = std::chrono::seconds{6};
constexpr Duration kMostClockStep = std::chrono::seconds{8};
constexpr Duration kMostSlow = std::chrono::seconds{4};

}  // namespace

std::string Temper::describe() const {
  std::string text;
  const auto say = [&](bool is_on, const std::string& what) {
    if (is_on) text += (text.empty() ? "" : ", ") + what;
  };
  say(crashes, "crashes");
  say(freezes, "freezes");
  say(joins_and_leaves, "joins and leaves");
  say(clock_steps, "clock steps");
  say(store_fails_one_in != 0, "store failures");
  say(slow_disk_one_in != 0, "slow disk");
  say(peer_loss_one_in != 0, "lost peer calls");
  say(peer_repeat_one_in != 0, "repeated peer calls");
  say(answer_loss_one_in != 0, "lost answers");
  return text.empty() ? "nothing" : text;
}

Temper temper_of(SeededRandom& random) {
  const auto one_in = [&](std::uint64_t many) { return random.next() % many == 0; };
  Temper temper;
  temper.crashes = one_in(2);
  temper.freezes = one_in(3);
  temper.joins_and_leaves = one_in(2);
  temper.clock_steps = one_in(5);
  if (one_in(2)) temper.store_fails_one_in = 15 + random.next() % 60;
  if (one_in(4)) temper.slow_disk_one_in = 100 + random.next() % 400;
  if (one_in(3)) temper.peer_loss_one_in = 2 + random.next() % 6;
  if (one_in(4)) temper.peer_repeat_one_in = 2 + random.next() % 4;
  if (one_in(2)) temper.answer_loss_one_in = 3 + random.next() % 8;
  return temper;
}

Chaos::Chaos(SimulatedCluster& cluster, Performers& performers, const Temper& temper, std::uint64_t seed)
    : cluster_(cluster), performers_(performers), temper_(temper), random_(seed) {}

void Chaos::begin() {
  first_nodes_ = 1 + random_.next() % 3;
  for (std::size_t i = 0; i < first_nodes_; ++i) cluster_.start_node(names_[i]);
  performers_.killed = [this](const std::string& node) {
    disturbed();
    come_up_later(node, std::chrono::seconds{2});
  };
  cluster_.world.advance(std::chrono::seconds{1});
}

void Chaos::arrange_faults() {
  // Gone with work in hand, as if it had died.
  cluster_.left_uncleanly = [this] { performers_.allow_repeats(); };
  cluster_.faults = [this](std::string_view /*operation*/) {
    if (!chance(temper_.store_fails_one_in)) return store::memory::Fault::none;
    disturbed();
    switch (random_.next() % 3) {
      case 0: return store::memory::Fault::unavailable;
      case 1: return store::memory::Fault::unknown_done;
      default: return store::memory::Fault::unknown_undone;
    }
  };
  cluster_.store_delay = [this] {
    if (!chance(temper_.slow_disk_one_in)) return up_to(std::chrono::milliseconds{3});
    disturbed();
    return up_to(kMostSlow);
  };
  cluster_.peer_loss = [this](std::string_view) { return chance(temper_.peer_loss_one_in); };
  cluster_.peer_repeat = [this](std::string_view) { return chance(temper_.peer_repeat_one_in); };
}

void Chaos::go() {
  arrange_faults();
  disturb_later();
}

void Chaos::disturb_later() {
  cluster_.world.post_at(cluster_.world.now() + up_to(kMostBetweenDisturbances), [this] {
    if (is_calm_) return;
    disturb();
    disturb_later();
  });
}

void Chaos::disturb() {
  const std::string& name = names_[random_.next() % names_.size()];
  switch (random_.next() % 4) {
    case 0:
      if (temper_.crashes) crash(name);
      break;
    case 1:
      if (temper_.freezes) freeze_at_work(name, kMostLooks);
      break;
    case 2:
      if (temper_.joins_and_leaves && cluster_.is_up(name) && chance(2)) {
        leave(name);
      } else if (temper_.joins_and_leaves) {
        come_up(name);
      }
      break;
    default:
      if (temper_.clock_steps) step_clock();
      break;
  }
}

Duration Chaos::last_disturbance() const {
  const bool is_stopped =
      std::any_of(names_.begin(), names_.end(), [&](const auto& name) { return cluster_.is_frozen(name); });
  return is_stopped ? cluster_.world.now() : last_;
}

int Chaos::nodes_at_work() const {
  return static_cast<int>(std::count_if(names_.begin(), names_.end(), [&](const auto& name) {
    return cluster_.is_up(name) && !cluster_.is_frozen(name) && !leaving_.contains(name);
  }));
}

void Chaos::crash(const std::string& name) {
  if (!cluster_.is_up(name)) return;
  performers_.allow_repeats();
  cluster_.crash(name);
  disturbed();
  come_up_later(name, kMostDown);
}

/// Between a task's hand-out and its begin, if there is such a moment soon: what a stopped node has in hand is the
/// danger.
void Chaos::freeze_at_work(const std::string& name, int looks_left) {
  if (is_calm_ || looks_left == 0 || cluster_.is_beginning(name)) {
    if (!is_calm_) freeze(name);
    return;
  }
  cluster_.world.post_at(cluster_.world.now() + std::chrono::milliseconds{2},
                         [this, name, looks_left] { freeze_at_work(name, looks_left - 1); });
}

void Chaos::freeze(const std::string& name) {
  if (!cluster_.is_up(name) || cluster_.is_frozen(name)) return;
  performers_.allow_repeats();
  cluster_.freeze(name);
  disturbed();
  cluster_.world.post_at(cluster_.world.now() + up_to(kMostFrozen), [this, name] {
    if (!cluster_.is_frozen(name)) return;
    cluster_.thaw(name);
    disturbed();
  });
}

void Chaos::leave(const std::string& name) {
  if (nodes_at_work() < 2 || cluster_.is_frozen(name)) return;
  cluster_.begin_drain(name);
  leaving_.insert(name);
  disturbed();
}

void Chaos::step_clock() {
  const Duration by = up_to(2 * kMostClockStep) - kMostClockStep;
  cluster_.world.step_database_clock(by);
  clock_was_stepped_ = true;
  disturbed();
  // A step forward ends leases that their holders still count on; the fence keeps rows safe, and only rows.
  performers_.doubt_leases_until(cluster_.world.now() + 3 * kLease);
  performers_.allow_repeats();
}

void Chaos::come_up(const std::string& name) {
  if (cluster_.is_up(name)) return;
  cluster_.start_node(name);
  leaving_.erase(name);
  disturbed();
}

void Chaos::come_up_later(const std::string& name, Duration most) {
  cluster_.world.post_at(cluster_.world.now() + up_to(most), [this, name] { come_up(name); });
}

void Chaos::calm_down() {
  is_calm_ = true;
  cluster_.faults = nullptr;
  cluster_.store_delay = nullptr;
  cluster_.peer_loss = nullptr;
  cluster_.peer_repeat = nullptr;
  for (const auto& name : names_) {
    if (cluster_.is_frozen(name)) cluster_.thaw(name);
  }
  for (std::size_t i = 0; i < first_nodes_; ++i) come_up(names_[i]);
  disturbed();
}

}  // namespace orchestrator::testing
