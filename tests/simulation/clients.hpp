#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/commit_witness.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Callers from outside, many at a time: each asks any node, loses answers now and then, and repeats its request until
/// it has one. What a node acknowledges is looked up in the database in that moment (I-1).
class Clients {
 public:
  Clients(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings, std::uint64_t seed);

  void start(const std::string& workflow, const std::string& key);
  /// As SQL does in somebody's own transaction: leaves a message, and the id is good at once, whatever becomes of it.
  void promise(const std::string& workflow, const std::string& key);
  /// A job with a unique key, which also a closed one holds: so that asking again begins no second one.
  void enqueue(const std::string& handler, const std::string& key, JobSpec spec, Duration delay = {});
  void signal(const std::string& name, const std::string& key, const std::string& id);
  /// The same, and the run begins with it.
  void signal_with_start(const std::string& workflow, const std::string& name, const std::string& key,
                         const std::string& id);
  /// To all runs that wait for the key in that moment.
  void broadcast(const std::string& name, const std::string& key, const std::string& id);
  void signal_run(const std::string& workflow, const std::string& key, const std::string& name, const std::string& id);
  /// Delivered `times` times, as providers do.
  void webhook(const std::string& signal_name, const std::string& signal_key, const std::string& dedupe_key, int times);
  void cancel(const std::string& workflow, const std::string& key, CancelMode mode);
  /// Until the run is retried, or is none that can be.
  void retry(const std::string& workflow, const std::string& key);
  /// `count` runs under one Idempotency-Key, asked for `times` times.
  void batch(const std::string& workflow, const std::string& key, int count, int times);

  /// One answer in so many is lost on its way; 0: none.
  void lose_one_in(std::uint64_t answers) { lose_one_in_ = answers; }
  [[nodiscard]] bool are_done() const { return waiting_ == 0; }
  [[nodiscard]] const std::set<std::string>& unanswered() const { return unanswered_; }
  [[nodiscard]] std::optional<RunId> run_of(const std::string& workflow, const std::string& key) const;
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, RunId>& runs() const { return runs_; }
  /// Signals that somebody acknowledged: name, key and sender's id.
  [[nodiscard]] const std::set<std::tuple<std::string, std::string, std::string>>& signals() const { return signals_; }
  [[nodiscard]] const std::set<RunId>& cancelled() const { return cancelled_; }
  [[nodiscard]] const std::set<RunId>& promised() const { return promised_; }

 private:
  template <typename Answer>
  struct Request;
  struct Batch;

  /// @param send asks a service
  /// @param acknowledged looks whether what an answer says is true in the database
  /// @param answered takes the first answer; false: not the last word, ask again
  template <typename Answer>
  void ask(std::string name, std::function<void(service::Service&, service::Reply<Answer>)> send,
           std::function<void(const Answer&)> acknowledged, std::function<bool(Result<Answer>)> answered);
  template <typename Answer>
  void try_once(const std::shared_ptr<Request<Answer>>& request);
  template <typename Answer>
  void try_later(const std::shared_ptr<Request<Answer>>& request);
  void send(const service::SendSignal& signal);
  void began(const std::string& workflow, const std::string& key, RunId id);
  void check_run(RunId id, const std::string& what);
  void check_signal(const std::string& name, const std::string& key, const std::string& id);
  void open_gate(const std::shared_ptr<Batch>& batch);
  void start_batch(const std::shared_ptr<Batch>& batch, RunId seed);
  void close_gate(const std::shared_ptr<Batch>& batch);

  SimulatedCluster& cluster_;
  CommitWitness& witness_;
  Findings& findings_;
  SeededRandom random_;
  std::uint64_t lose_one_in_ = 0;
  int waiting_ = 0;
  std::set<std::string> unanswered_;
  std::map<std::pair<std::string, std::string>, RunId> runs_;
  std::set<std::tuple<std::string, std::string, std::string>> signals_;
  std::set<RunId> cancelled_;
  std::set<RunId> promised_;
  std::map<std::string, std::vector<RunId>> batches_;  ///< by Idempotency-Key
};

}  // namespace orchestrator::testing
