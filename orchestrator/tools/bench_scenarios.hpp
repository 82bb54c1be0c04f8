#pragma once

#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/tools/bench.hpp"
#include "orchestrator/tools/bench_measure.hpp"

namespace orchestrator::tools {

/// Runs of five no-op steps, started in batches, as many in flight as asked for. An operation is a finished step; the
/// latency is that of a batch call.
Result<BenchFigures> bench_workflow_5_steps(const BenchOptions& options);

/// One no-op run after the other at a fixed rate. The latency is from the call to the answer that the run has ended, so
/// an upper bound of call to handler start.
Result<BenchFigures> bench_pickup_latency(const BenchOptions& options);

/// Runs that wait for a signal, signalled at a fixed rate. The latency is from the signal call to the answer that the
/// run has ended, so an upper bound of signal to next step start.
Result<BenchFigures> bench_signal_latency(const BenchOptions& options);

/// Single starts, the next on each connection when the last was answered.
Result<BenchFigures> bench_starts(const BenchOptions& options);

/// Single jobs, the next on each connection when the last was answered.
Result<BenchFigures> bench_enqueue(const BenchOptions& options);

/// One job after the other at a fixed rate. The latency is from the call to the start of its handler.
Result<BenchFigures> bench_job_pickup_latency(const BenchOptions& options);

/// Jobs at a fixed rate, in small batches, while another session keeps a snapshot open; beside them single jobs whose
/// way to their handler is timed. precondition_failed without hold_snapshot.
Result<BenchFigures> bench_held_snapshot(const BenchOptions& options);

/// A server and a PostgreSQL of its own, in a folder that is removed again: runs that are never at rest, kill -9, and
/// how long after its new start the server has finished a step. An operation is one such round.
Result<BenchFigures> bench_crash_recovery(const BenchOptions& options);

/// `runs_in_flight` runs that only wait, and what the server costs while they do, for `duration`.
Result<BenchFigures> bench_waiting_runs(const BenchOptions& options);

/// 50 000 jobs enqueued first, then performed as fast as it goes.
Result<BenchFigures> bench_jobs_drain(const BenchOptions& options);

/// Jobs enqueued in batches while they are performed, as many open as asked for.
Result<BenchFigures> bench_jobs_enqueue(const BenchOptions& options);

/// `jobs` jobs enqueued for later, of which `rate_per_second` fall due. The latency is from a job's moment to its
/// start.
Result<BenchFigures> bench_jobs_scheduled(const BenchOptions& options);

/// Jobs drained without limits and, in turn, under all of them.
Result<BenchFigures> bench_jobs_limits(const BenchOptions& options);

/// Signed webhooks in Stripe's form at a fixed rate, to an endpoint of its own; nothing waits for their signals. The
/// latency is from the moment at which the call should have begun to its answer, which comes after the commit.
Result<BenchFigures> bench_webhooks(const BenchOptions& options);

/// `jobs` signals for a thousand keys, and then the runs that take them, each in order. One that is out of turn fails
/// its run, which counts as an error. The latency is that of sending one.
Result<BenchFigures> bench_signal_storm(const BenchOptions& options);

/// Deploys a definition under this name; a definition that is there already is no error.
Status deploy_for_bench(const ServerAccess& server, const std::string& name, const Json& definition);

/// The server's counters now.
Result<ServerReading> read_server(const ServerAccess& server);

}  // namespace orchestrator::tools
