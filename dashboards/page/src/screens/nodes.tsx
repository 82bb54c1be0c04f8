// The processes that share the work, and the database under them.
import type { Node, Page } from "../api/model";
import { usePlain } from "../api/queries";
import { useNow } from "../clock";
import { bytes, count, duration } from "../format";
import { sum, useMetrics, type Sample } from "../metrics";
import { Empty, Loading, ProblemBox } from "../parts/notices";
import { Word } from "../parts/state";
import { When } from "../parts/when";

/** Longest a transaction may hold vacuum back before it is worth a look, in seconds. */
const kHeldSeconds = 600;

function quantile(samples: Sample[], name: string, part: number): number | null {
  const buckets = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    const upTo = sample.labels.le === "+Inf" ? Infinity : Number(sample.labels.le);
    buckets.set(upTo, (buckets.get(upTo) ?? 0) + sample.value);
  }
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const total = sorted.length === 0 ? 0 : sorted[sorted.length - 1][1];
  if (total === 0) return null;
  return sorted.find(([, seen]) => seen >= total * part)?.[0] ?? null;
}

const milliseconds = (seconds: number | null): string => (seconds === null ? "–" : seconds === Infinity ? "over 60 s" : `≤ ${duration(seconds * 1000)}`);

export default function Nodes() {
  const nodes = usePlain<Page<Node>>("/v1/nodes");
  const metrics = useMetrics();
  const now = useNow();
  const samples = metrics?.samples ?? [];
  const held = sum(samples, "orchestrator_store_oldest_snapshot_age_seconds");
  const started = sum(samples, "orchestrator_process_start_time_seconds");
  const figures: [string, string, boolean][] = [
    ["oldest snapshot", duration(held * 1000), held > kHeldSeconds],
    ["commit, median", milliseconds(quantile(samples, "orchestrator_store_commit_seconds", 0.5)), false],
    ["commit, 99th", milliseconds(quantile(samples, "orchestrator_store_commit_seconds", 0.99)), false],
    ["pick-up, 99th", milliseconds(quantile(samples, "orchestrator_step_pickup_seconds", 0.99)), false],
    ["timer lag, 99th", milliseconds(quantile(samples, "orchestrator_timer_lag_seconds", 0.99)), false],
    ["runs stuck", count(sum(samples, "orchestrator_runs_stuck") + sum(samples, "orchestrator_runs_stuck_at_rest")), sum(samples, "orchestrator_runs_stuck") > 0],
    ["signals nobody waits for", count(sum(samples, "orchestrator_signals_unmatched")), false],
    ["connections lost", count(sum(samples, "orchestrator_store_connections_lost_total")), false],
    ["memory", bytes(sum(samples, "orchestrator_process_resident_bytes")), false],
    ["up for", started > 0 ? duration(now - started * 1000) : "–", false],
  ];
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <h1>Nodes and database</h1>
          <p className="lead">Shards move by themselves when a node goes; nothing here needs a button.</p>
        </div>
      </header>
      {nodes.error && !nodes.data && <ProblemBox problem={nodes.error} />}
      {nodes.isPending && <Loading rows={3} />}
      {nodes.data?.items.length === 0 && <Empty title="No node" />}
      <div className="columns">
        {nodes.data?.items.map((node) => {
          const isGone = Date.parse(node.lease_until) < now;
          return (
            <section className="card" key={node.node_id} aria-label={`Node ${node.node_id}`}>
              <header>
                <h2>{node.node_id}</h2>
                <Word word={isGone ? "gone" : "alive"} tone={isGone ? "bad" : "good"} />
              </header>
              <dl className="facts">
                <div><dt>address</dt><dd className="mono">{node.url}</dd></div>
                <div><dt>lease</dt><dd><When at={node.lease_until} /></dd></div>
                <div><dt>shards</dt><dd>{node.shards.length}</dd></div>
              </dl>
              <div className="shards" role="img" aria-label={`Owns the shards ${node.shards.join(", ")}`}>
                {node.shards.map((shard) => (
                  <i key={shard}>{shard}</i>
                ))}
              </div>
            </section>
          );
        })}
      </div>
      <section className="card" aria-labelledby="health-title">
        <header>
          <h2 id="health-title">Health of this node and its database</h2>
          <a href="/metrics">All metrics</a>
        </header>
        <div className="figures">
          {figures.map(([name, value, isBad]) => (
            <div key={name} className={`figure${isBad ? " tone-bad" : ""}`}>
              <b>{value}</b>
              <span>{name}</span>
            </div>
          ))}
        </div>
      </section>
    </div>
  );
}
