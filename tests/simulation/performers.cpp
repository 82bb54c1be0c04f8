#include "tests/simulation/performers.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing {

Performers::Performers(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings, std::uint64_t seed)
    : cluster_(cluster), witness_(witness), findings_(findings), narrow_(cluster, findings), random_(seed) {
  add("plain", [this](const Json&, TaskContext& context) { return done(context); });
  add("slow", [this](const Json&, TaskContext& context) {
    if (chance(2)) cluster_.work_for(std::chrono::milliseconds{random_.next() % 4'000});
    return done(context);
  });
  add("narrow", [this](const Json&, TaskContext& context) {
    const std::uint64_t call = narrow_.begin();
    cluster_.work_for(std::chrono::milliseconds{random_.next() % 1'500});
    narrow_.end(call);
    return done(context);
  });
  add("flaky", [this](const Json&, TaskContext& context) {
    return chance(3) ? Outcome::failed("Flaky", "it happens") : done(context);
  });
  add("snoozer", [this](const Json&, TaskContext& context) {
    return chance(2) ? Outcome::snoozed(std::chrono::milliseconds{700}) : done(context);
  });
  add("stubborn", [this](const Json&, TaskContext& context) {
    return witness_.retries_of(context.run_id) > 0 ? done(context) : Outcome::failed("Stubborn", "not yet");
  });
  add("charge", [this](const Json&, TaskContext& context) {
    if (chance(4)) return Outcome::unknown("Card.Timeout", "nothing was sent, as it happens");
    if (!charged_.insert(context.idempotency_key).second && cluster_.world.now() >= leases_doubted_until_)
      findings_.add("I-13", "the card of " + context.idempotency_key + " is charged a second time");
    return chance(3) ? Outcome::unknown("Card.Timeout", "the answer was lost") : done(context);
  });
  add("charge.ask", [this](const Json&, TaskContext& context) {
    const std::string key = context.idempotency_key.substr(0, context.idempotency_key.rfind("/inquire"));
    // Ill luck ends: pauses double, and the story has to.
    const bool may_fail = context.attempt < 6;
    if (chance(5) && may_fail) return Outcome::failed("Card.Away", "the inquiry failed");
    if (chance(5) && may_fail) return Outcome::completed(make_payload({{"outcome", "unknown"}}));
    const bool is_charged = charged_.contains(key);
    Json answer = {{"outcome", is_charged ? "succeeded" : "not_found"}};
    if (is_charged) answer["result"] = {{"charged", true}};
    return Outcome::completed(make_payload(std::move(answer)));
  });
  add("killer", [this](const Json&, TaskContext& context) {
    ++kills_[context.run_id];
    const std::string node = cluster_.running_on();
    allow_repeats();
    if (cluster_.is_up(node)) cluster_.crash(node);
    if (killed) killed(node);
    return done(context);
  });

  HandlerEntry booked = {};
  booked.name = "booked";
  booked.transactional = [this](const Json& input, TaskContext& context, Sql& sql) {
    check_call(input, context);
    const SqlParameters row{context.idempotency_key, context.run_id.str(), context.state_name};
    if (!sql.execute("insert into effects (key, run_id, state) values ($1, $2, $3)", row))
      return Outcome::snoozed(std::chrono::seconds{1});
    return done(context);
  };
  const Status added = cluster_.handlers.add(std::move(booked));
  ORC_CHECK(added.has_value(), "the simulation's handlers have names of their own");
}

void Performers::add(const std::string& name, PlainHandler handler) {
  HandlerEntry entry;
  entry.name = name;
  entry.plain = [this, name, handler = std::move(handler)](const Json& input, TaskContext& context) {
    check_call(input, context);
    return handler(input, context);
  };
  const Status added = cluster_.handlers.add(std::move(entry));
  ORC_CHECK(added.has_value(), "the simulation's handlers have names of their own");
}

Outcome Performers::done(const TaskContext& context) {
  return Outcome::completed(make_payload({{"attempt", context.attempt}, {"by", context.state_name}}));
}

void Performers::check_call(const Json& input, const TaskContext& context) {
  const RunId run = context.run_id;
  const std::string where = "run " + run.str() + ", " + context.state_name + ", attempt " +
                            std::to_string(context.attempt) + " on " + cluster_.running_on();
  const std::string& key = context.idempotency_key;
  const bool is_inquiry = key.ends_with("/inquire");
  const auto shard = static_cast<std::size_t>(to_int(shard_of(run)));

  if (!is_inquiry && !witness_.was_scheduled(run, context.state_name, context.attempt))
    findings_.add("I-1", where + ": handed out before its hand-out was committed");

  const auto& owner = cluster_.tables().owners[shard];
  if (cluster_.world.now() >= leases_doubted_until_ && owner.node && owner.node->value != cluster_.running_on())
    findings_.add("I-15", where + ": begun although the shard belongs to " + owner.node->value);

  if (const auto job = cluster_.tables().open.find(run); job != cluster_.tables().open.end())
    check_line(job->second.header, where);

  if (is_inquiry) return;
  const StepName step{run, context.state_name, dump_json(input)};
  if (const auto [known, is_new] = keys_.try_emplace(step, key); !is_new && known->second != key)
    findings_.add("I-9", where + ": the key was " + known->second + " and is " + key);
  if (const auto [known, is_new] = steps_.try_emplace(key, step); !is_new && known->second != step)
    findings_.add("I-9", where + ": the key " + key + " belongs to another step, too");

  const int retries = witness_.retries_of(run);
  const auto [tried, is_first] = tried_.try_emplace(key, Tried{context.attempt, retries});
  Tried& last = tried->second;
  if (last.retries_of_run != retries) {
    last = {context.attempt, retries};
  } else if (context.attempt < last.attempt && !repeats_allowed_) {
    findings_.add("I-16", where + ": attempt " + std::to_string(last.attempt) + " had begun already");
  }
  last.attempt = std::max(last.attempt, context.attempt);
  if (context.attempt > kMostAttempts) findings_.add("I-12", where + ": more attempts than Retry and crashes explain");
  // These give their task back, and get it again with the same number.
  const bool may_repeat = transactional_states().contains(context.state_name) || context.workflow == "booked" ||
                          context.workflow == "snoozer";
  if (++performed_[{key, context.attempt, retries}] > 1 && !repeats_allowed_ && !may_repeat)
    findings_.add("I-16", where + ": begun a second time, and no process died");
}

/// Whoever stood before it in the line of its order key has closed.
void Performers::check_line(const RunHeader& job, const std::string& where) {
  if (!job.job || job.job->order_key.empty()) return;
  for (const auto& [id, row] : cluster_.tables().open) {
    const auto& other = row.header.job;
    if (other && other->order_key == job.job->order_key && other->order_number < job.job->order_number)
      findings_.add("I-23", where + ": begun before " + id.str() + " of its order key has closed");
  }
}

}  // namespace orchestrator::testing
