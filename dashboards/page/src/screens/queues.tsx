// Where work waits, who has it in hand, and how much may begin.
import { useState } from "react";
import { call } from "../api/client";
import type { Page, Queue, QueueLimits, Rate } from "../api/model";
import { usePlain } from "../api/queries";
import { count, duration, rate } from "../format";
import { Act } from "../parts/act";
import { Empty, Loading, Notice, ProblemBox } from "../parts/notices";
import { Word } from "../parts/state";
import { When } from "../parts/when";
import { Link } from "../router";
import { May } from "../session";

const rateText = (value: Rate | null | undefined): string => (value ? `${value.count}/${value.per_seconds}` : "");
const numberOf = (text: string): number | undefined => (text.trim() === "" ? undefined : Number(text));

/** "100/60" is a hundred in sixty seconds. */
function rateOf(text: string): Rate | undefined {
  const found = /^\s*(\d+)\s*\/\s*(\d+)\s*$/.exec(text);
  return found ? { count: Number(found[1]), per_seconds: Number(found[2]) } : undefined;
}

function Limits({ queue }: { queue: Queue }) {
  const [draft, setDraft] = useState({
    max_in_flight: String(queue.limits.max_in_flight ?? ""),
    concurrency_per_key: String(queue.limits.concurrency_per_key ?? ""),
    rate: rateText(queue.limits.rate),
    rate_per_key: rateText(queue.limits.rate_per_key),
    weight: String(queue.limits.weight ?? ""),
  });
  const set = (name: keyof typeof draft) => ({ target }: { target: { value: string } }) => setDraft((now) => ({ ...now, [name]: target.value }));
  const isRate = (text: string): boolean => text.trim() === "" || rateOf(text) !== undefined;
  return (
    <Act
      label="Limits"
      size="small"
      title={`Limits of ${queue.name}`}
      confirm="Set the limits"
      isReady={isRate(draft.rate) && isRate(draft.rate_per_key)}
      run={async () => {
        const body: QueueLimits = {
          max_in_flight: numberOf(draft.max_in_flight),
          concurrency_per_key: numberOf(draft.concurrency_per_key),
          rate: rateOf(draft.rate),
          rate_per_key: rateOf(draft.rate_per_key),
          weight: numberOf(draft.weight),
        };
        await call("PUT", `/v1/queues/${encodeURIComponent(queue.name)}/limits`, { body });
        return `Limits of ${queue.name} are set`;
      }}
    >
      <p className="muted">They hold at once, over all nodes. An empty field is no limit.</p>
      <div className="field-row">
        <label className="field">
          <span>At most in hand</span>
          <input type="number" min={1} value={draft.max_in_flight} onChange={set("max_in_flight")} />
        </label>
        <label className="field">
          <span>Starts (count/seconds)</span>
          <input type="text" placeholder="100/60" value={draft.rate} aria-invalid={!isRate(draft.rate)} onChange={set("rate")} />
        </label>
        <label className="field">
          <span>In hand per key</span>
          <input type="number" min={1} value={draft.concurrency_per_key} onChange={set("concurrency_per_key")} />
        </label>
        <label className="field">
          <span>Starts per key</span>
          <input type="text" placeholder="10/60" value={draft.rate_per_key} aria-invalid={!isRate(draft.rate_per_key)} onChange={set("rate_per_key")} />
        </label>
        <label className="field">
          <span>Weight against others</span>
          <input type="number" min={1} value={draft.weight} onChange={set("weight")} />
        </label>
      </div>
    </Act>
  );
}

function limitsInWords(limits: QueueLimits): string {
  const words: string[] = [];
  if (limits.max_in_flight) words.push(`${count(limits.max_in_flight)} in hand`);
  if (limits.rate) words.push(`${limits.rate.count} starts in ${limits.rate.per_seconds} s`);
  if (limits.concurrency_per_key) words.push(`${limits.concurrency_per_key} per key`);
  if (limits.rate_per_key) words.push(`${limits.rate_per_key.count} in ${limits.rate_per_key.per_seconds} s per key`);
  if (limits.weight && limits.weight !== 1) words.push(`weight ${limits.weight}`);
  return words.length === 0 ? "no limits" : words.join(", ");
}

function QueueCard({ queue }: { queue: Queue }) {
  const path = `/v1/queues/${encodeURIComponent(queue.name)}`;
  return (
    <section className="card" aria-label={`Queue ${queue.name}`}>
      <header>
        <h2>
          <Link href={`/runs?queue=${encodeURIComponent(queue.name)}`}>{queue.name}</Link> {queue.paused && <Word word="paused" />}
        </h2>
        <May role="operator">
          <div className="actions">
            <Limits key={JSON.stringify(queue.limits)} queue={queue} />
            {queue.paused ? (
              <Act label="Resume" size="small" tone="primary" title={`Resume ${queue.name}?`} reason="optional" run={async ({ reason }) => { await call("POST", `${path}/resume`, { body: reason === "" ? {} : { reason } }); return `${queue.name} goes on`; }}>
                <p className="muted">{count(queue.depth)} ready.</p>
              </Act>
            ) : (
              <Act label="Pause" size="small" title={`Pause ${queue.name}?`} confirm="Pause the queue" reason="optional" run={async ({ reason }) => { await call("POST", `${path}/pause`, { body: reason === "" ? {} : { reason } }); return `${queue.name} is paused`; }}>
                <p className="muted">Nothing of it begins; what is in hand may finish. Work is accepted all the same.</p>
              </Act>
            )}
          </div>
        </May>
      </header>
      <dl className="facts">
        <div>
          <dt>ready</dt>
          <dd>{count(queue.depth)}</dd>
        </div>
        <div>
          <dt>oldest ready</dt>
          <dd>{queue.depth > 0 ? duration((queue.oldest_ready_age_seconds ?? 0) * 1000) : "–"}</dd>
        </div>
        <div>
          <dt>in hand</dt>
          <dd>{count(queue.in_flight)}</dd>
        </div>
        <div>
          <dt>starts</dt>
          <dd>{rate(queue.rate_per_second ?? 0)}</dd>
        </div>
        <div>
          <dt>limits</dt>
          <dd>{limitsInWords(queue.limits)}</dd>
        </div>
        {queue.paused && (
          <div>
            <dt>paused</dt>
            <dd>
              <When at={queue.paused_at} />
            </dd>
          </div>
        )}
      </dl>
      {queue.workers.length > 0 && (
        <details>
          <summary>
            {queue.workers.length} {queue.workers.length === 1 ? "worker has" : "workers have"} something in hand
          </summary>
          <table className="mini">
            <thead>
              <tr>
                <th>worker</th>
                <th className="right">in hand</th>
              </tr>
            </thead>
            <tbody>
              {queue.workers.map((worker) => (
                <tr key={worker.worker_id}>
                  <td className="mono">{worker.worker_id}</td>
                  <td className="right">{count(worker.in_flight)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p>
            <Link href={`/runs?state=running&queue=${encodeURIComponent(queue.name)}`}>What they have</Link>
          </p>
        </details>
      )}
    </section>
  );
}

export default function Queues() {
  const queues = usePlain<Page<Queue> & { missing_nodes?: string[] }>("/v1/queues");
  const sorted = [...(queues.data?.items ?? [])].sort((a, b) => Number(b.paused) - Number(a.paused) || b.depth + b.in_flight - (a.depth + a.in_flight) || (a.name < b.name ? -1 : 1));
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <h1>Queues and workers</h1>
          <p className="lead">Ready steps and jobs wait here. A limit that is changed holds at once.</p>
        </div>
      </header>
      {queues.error && !queues.data && <ProblemBox problem={queues.error} />}
      {queues.isPending && <Loading />}
      {(queues.data?.missing_nodes?.length ?? 0) > 0 && <Notice tone="bad">These nodes did not answer, their share is missing: {queues.data?.missing_nodes?.join(", ")}</Notice>}
      {queues.data && sorted.length === 0 && <Empty title="No queue yet">A queue begins with the first work that names it.</Empty>}
      <div className="columns">
        {sorted.map((queue) => (
          <QueueCard key={queue.name} queue={queue} />
        ))}
      </div>
    </div>
  );
}
