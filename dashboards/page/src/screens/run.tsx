// One run: what it waits for, the path it took, when, with what, and what can be done.
import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import { isClosed, type Graph, type Run, type Signal, type WaitingOn } from "../api/model";
import { useList, usePlain } from "../api/queries";
import { useNow } from "../clock";
import { count, exact, relative, waitInWords } from "../format";
import { Copy, Data, Glance } from "../parts/data";
import { Empty, Loading, Notice, ProblemBox } from "../parts/notices";
import { AnswerDecision, MoveTimer, RunActions, SendSignal, SkipStep } from "../parts/run_actions";
import { State, Word } from "../parts/state";
import { Lasted, Moment, When } from "../parts/when";
import { Link, useFilters } from "../router";
import { HistoryList } from "../run/history_list";
import { pathTaken } from "../run/path_taken";
import { TimelineView } from "../run/timeline_view";
import { kMaxEvents, useHistory } from "../run/use_history";
import { May } from "../session";

const StateGraph = lazy(() => import("../run/state_graph"));

const tabs = [
  ["graph", "Graph"],
  ["timeline", "Timeline"],
  ["history", "History"],
  ["data", "Input and output"],
  ["signals", "Signals and children"],
] as const;

function Wait({ run, wait }: { run: Run; wait: WaitingOn }) {
  const now = useNow();
  return (
    <div className="wait">
      <span>
        Waits for {waitInWords(wait, now)}
        {wait.run_id && (
          <>
            : <Link href={`/runs/${wait.run_id}`}>{wait.run_id}</Link>
          </>
        )}
        {wait.since && <span className="muted"> · for <Lasted from={wait.since} /></span>}
      </span>
      <May role="operator">
        <span className="actions">
          {wait.kind === "signal" && <SendSignal run={run} names={wait.names ?? []} />}
          {wait.kind === "decision" && <AnswerDecision run={run} wait={wait} />}
          {(wait.kind === "timer" || wait.kind === "retry") && wait.until && <MoveTimer run={run} until={wait.until} />}
          {wait.kind === "queue_paused" && <Link className="button small" href="/queues">See the queue</Link>}
          {wait.state_name && wait.kind !== "paused" && <SkipStep run={run} wait={wait} />}
        </span>
      </May>
    </div>
  );
}

function Facts({ run }: { run: Run }) {
  const facts: [string, ReactNode][] = [
    [run.kind === "job" ? "handler" : "workflow", run.kind === "job" ? <code>{run.workflow}</code> : <Link href={`/workflows/${run.workflow}?version=${run.version}`}>{run.workflow} v{run.version}</Link>],
    ["key", run.key ?? <span className="muted">none</span>],
    ["accepted", <Moment at={run.created_at} />],
    ["took", <Lasted from={run.started_at ?? run.created_at} to={run.closed_at} />],
    ["attempts", run.max_attempts ? `${run.attempts} of ${run.max_attempts}` : count(run.attempts)],
    ["priority", String(run.priority)],
  ];
  if (run.queue) facts.push(["queue", <Link href={`/runs?queue=${encodeURIComponent(run.queue)}`}>{run.queue}</Link>]);
  if (run.closed_at) facts.push(["closed", <Moment at={run.closed_at} />]);
  if (run.timeout_seconds) facts.push(["time-out", `${count(run.timeout_seconds)} s`]);
  if (run.parent_run_id) facts.push(["parent", <Link href={`/runs/${run.parent_run_id}`}>{run.parent_run_id}</Link>]);
  if (run.predecessor_run_id) facts.push(["continues", <Link href={`/runs/${run.predecessor_run_id}`}>{run.predecessor_run_id}</Link>]);
  if (run.successor_run_id) facts.push(["continued by", <Link href={`/runs/${run.successor_run_id}`}>{run.successor_run_id}</Link>]);
  if (run.traceparent) facts.push(["trace", <code>{run.traceparent.split("-")[1]}</code>]);
  for (const [name, value] of Object.entries(run.attributes)) {
    facts.push([name, <Link href={`/runs?attribute.${encodeURIComponent(name)}=${encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value))}`}>{String(value)}</Link>]);
  }
  return (
    <dl className="facts">
      {facts.map(([name, value], at) => (
        <div key={at}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function SignalsAndChildren({ run }: { run: Run }) {
  const signals = useList<Signal>("/v1/signals", { run_id: run.run_id });
  const children = useList<Run>("/v1/runs", { parent_run_id: run.run_id });
  return (
    <div className="columns">
      <section className="card">
        <header>
          <h2>Signals</h2>
        </header>
        {signals.items.length === 0 && !signals.isLoading && <p className="muted">No signal has met this run.</p>}
        <table className="mini">
          <tbody>
            {signals.items.map((signal) => (
              <tr key={signal.signal_id}>
                <td>
                  <strong>{signal.name}</strong> <span className="muted">{signal.state_name && `in ${signal.state_name}`}</span>
                  <br />
                  <Glance value={signal.payload} />
                </td>
                <td className="right">
                  <Word word={signal.fate} />
                  <br />
                  <span className="muted" title={exact(signal.received_at)}>
                    <When at={signal.received_at} />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section className="card">
        <header>
          <h2>Children</h2>
        </header>
        {children.items.length === 0 && !children.isLoading && <p className="muted">It has started no child.</p>}
        <table className="mini">
          <tbody>
            {children.items.map((child) => (
              <tr key={child.run_id}>
                <td>
                  <Link href={`/runs/${child.run_id}`}>{child.workflow}</Link> <span className="muted">{child.key}</span>
                </td>
                <td className="right">
                  <State state={child.state} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

export default function RunScreen({ parameters }: { parameters: Record<string, string> }) {
  const id = parameters.id;
  const [filters, change] = useFilters();
  const now = useNow();
  const found = usePlain<Run>(`/v1/runs/${id}`);
  const run = found.data;
  const isJob = run?.kind === "job";
  const version = run ? `${run.state} ${run.attempts} ${run.closed_at ?? ""} ${JSON.stringify(run.waiting_on)} ${isClosed(run.state) ? "" : found.dataUpdatedAt}` : "";
  const history = useHistory(id, version);
  const graph = usePlain<Graph>(`/v1/workflows/${run?.workflow ?? ""}/versions/${run?.version ?? 0}/graph`, undefined, { enabled: run !== undefined && !isJob, live: false });
  const path = useMemo(() => pathTaken(history.events), [history.events]);
  const [state, setState] = useState<string | null>(null);
  if (found.error && !run) return found.error.status === 404 ? <Empty title="There is no such run">It may belong to another namespace, or its day is over: finished runs go after the retention time.</Empty> : <ProblemBox problem={found.error} />;
  if (!run) return <Loading />;
  const shownTabs = isJob ? tabs.filter(([name]) => name !== "graph") : tabs;
  const wanted = filters.get("tab") ?? "";
  const tab = shownTabs.some(([name]) => name === wanted) ? wanted : shownTabs[0][0];
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <p className="muted">
            <Link href="/runs">Runs</Link> / <span className="mono">{run.run_id}</span> <Copy text={run.run_id} label="Copy the run id" />
          </p>
          <h1>
            {run.workflow} {run.key && <span className="muted">{run.key}</span>} <State state={run.state} />
          </h1>
        </div>
        <RunActions run={run} history={history.events} graph={graph.data} />
      </header>
      {run.error && (
        <div className="problem" role="group" aria-label="Error">
          <strong>{run.error.error ?? "Failed"}</strong>
          {run.error.cause && <pre className="cause">{run.error.cause}</pre>}
          {run.discarded && (
            <p>
              Discarded by {run.discarded.actor} {relative(run.discarded.at, now)}: {run.discarded.reason}
            </p>
          )}
        </div>
      )}
      {run.waiting_on.length > 0 && (
        <Notice tone={run.state === "paused" ? "paused" : "waiting"}>
          <div className="waits">
            {run.waiting_on.slice(0, 20).map((wait, at) => (
              <Wait key={`${wait.kind} ${wait.state_name ?? ""} ${at}`} run={run} wait={wait} />
            ))}
            {run.waiting_on.length > 20 && <span className="muted">and {run.waiting_on.length - 20} more</span>}
          </div>
        </Notice>
      )}
      <section className="card" aria-label="Facts">
        <Facts run={run} />
      </section>
      <div>
        <div className="tabs" role="tablist" aria-label="Views of the run">
          {shownTabs.map(([name, title], at) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={tab === name}
              aria-controls="tab-panel"
              tabIndex={tab === name ? 0 : -1}
              onClick={() => change({ tab: name }, "replace")}
              onKeyDown={(event) => {
                const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
                if (step === 0) return;
                const next = shownTabs[(at + step + shownTabs.length) % shownTabs.length][0];
                change({ tab: next }, "replace");
                document.getElementById(`tab-${next}`)?.focus();
              }}
            >
              {title}
            </button>
          ))}
        </div>
        <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`}>
          {history.problem && <ProblemBox problem={history.problem} />}
          {history.events.length >= kMaxEvents && !history.isComplete && <Notice tone="waiting">Only the first {count(kMaxEvents)} events are shown; the command line prints all.</Notice>}
          {tab === "graph" &&
            (graph.data ? (
              <Suspense fallback={<Loading />}>
                <StateGraph
                  graph={graph.data}
                  path={path}
                  onChoose={(name) => {
                    setState(name);
                    change({ tab: "timeline" }, "replace");
                  }}
                />
              </Suspense>
            ) : graph.error ? (
              <ProblemBox problem={graph.error} />
            ) : (
              <Loading />
            ))}
          {tab === "timeline" && (
            <>
              {state !== null && (
                <div className="filters">
                  <span className="chip-set">
                    only {state}
                    <button type="button" aria-label="Show every state" onClick={() => setState(null)}>
                      ✕
                    </button>
                  </span>
                </div>
              )}
              <TimelineView history={history.events} state={state} />
            </>
          )}
          {tab === "history" && <HistoryList history={history.events} isComplete={history.isComplete} />}
          {tab === "data" && (
            <div className="columns">
              <section className="card">
                <Data value={run.input} title="Input" />
              </section>
              <section className="card">{run.closed_at || run.output ? <Data value={run.output} title="Output" /> : <p className="muted">No output yet.</p>}</section>
            </div>
          )}
          {tab === "signals" && <SignalsAndChildren run={run} />}
        </div>
      </div>
    </div>
  );
}

