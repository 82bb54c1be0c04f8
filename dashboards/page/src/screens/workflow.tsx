// One definition: its picture, its text, what a version changed, and who still runs it.
import { lazy, Suspense, useState } from "react";
import { call, type Query } from "../api/client";
import type { Definition, Graph, Page, Run } from "../api/model";
import { usePlain } from "../api/queries";
import { Act } from "../parts/act";
import { Data } from "../parts/data";
import { Diff } from "../parts/diff";
import { JsonField, readJson } from "../parts/json_field";
import { Empty, Loading, ProblemBox } from "../parts/notices";
import { Moment } from "../parts/when";
import { go, Link, useFilters } from "../router";
import { May } from "../session";

const StateGraph = lazy(() => import("../run/state_graph"));

/** Open runs of a version are counted up to here. */
const kCounted = 100;

function Start({ workflow, version }: { workflow: string; version: number }) {
  const [text, setText] = useState("{}");
  const [runKey, setRunKey] = useState("");
  const read = readJson(text);
  return (
    <Act
      label="Start a run"
      title={`Start ${workflow}`}
      confirm="Start"
      tone="primary"
      isReady={read.problem === undefined}
      run={async ({ key }) => {
        const started = await call<{ run_id: string }>("POST", "/v1/runs", { body: { workflow, version, input: read.value ?? {}, key: runKey.trim() === "" ? undefined : runKey.trim() }, idempotencyKey: key });
        go(`/runs/${started.run_id}`);
        return "Started";
      }}
    >
      <label className="field">
        <span>
          Key <span className="muted">(optional; unique among open runs)</span>
        </span>
        <input type="text" value={runKey} onChange={(event) => setRunKey(event.target.value)} />
      </label>
      <JsonField label="Input" text={text} onChange={setText} />
    </Act>
  );
}

function OpenRuns({ workflow, version }: { workflow: string; version: number }) {
  const query: Query = { workflow, version, state: "ready,running,waiting,paused", limit: kCounted };
  const open = usePlain<Page<Run>>("/v1/runs", query);
  const number = open.data?.items.length ?? 0;
  return (
    <Link href={`/runs?workflow=${encodeURIComponent(workflow)}&version=${version}&state=ready,running,waiting,paused`}>
      {open.data?.next_cursor && number === kCounted ? `${kCounted}+` : number} open
    </Link>
  );
}

function Compare({ path, from, to }: { path: string; from: number; to: number }) {
  const before = usePlain<Definition>(`${path}/versions/${from}`, undefined, { live: false });
  const after = usePlain<Definition>(`${path}/versions/${to}`, undefined, { live: false });
  if (before.error || after.error) return <ProblemBox problem={(before.error ?? after.error) as Error} />;
  if (!before.data || !after.data) return <Loading rows={2} />;
  return <Diff before={JSON.stringify(before.data.definition, null, 2)} after={JSON.stringify(after.data.definition, null, 2)} />;
}

export default function WorkflowScreen({ parameters }: { parameters: Record<string, string> }) {
  const name = parameters.name;
  const path = `/v1/workflows/${encodeURIComponent(name)}`;
  const [filters, change] = useFilters();
  const newest = usePlain<Definition>(path, undefined, { live: false });
  const versions = [...(newest.data?.versions ?? [])].sort((a, b) => b - a);
  const version = Number(filters.get("version")) || versions[0] || 0;
  const definition = usePlain<Definition>(`${path}/versions/${version}`, undefined, { enabled: version > 0, live: false });
  const graph = usePlain<Graph>(`${path}/versions/${version}/graph`, undefined, { enabled: version > 0, live: false });
  const against = Number(filters.get("against")) || versions.find((other) => other < version) || 0;
  if (newest.error) return newest.error.status === 404 ? <Empty title="There is no such definition" /> : <ProblemBox problem={newest.error} />;
  if (!newest.data) return <Loading />;
  const comment = definition.data?.definition.Comment;
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <p className="muted">
            <Link href="/workflows">Definitions</Link>
          </p>
          <h1>
            {name} <span className="muted">v{version}</span>
          </h1>
          {typeof comment === "string" && <p className="lead">{comment}</p>}
        </div>
        <div className="actions">
          <select aria-label="Version" value={version} onChange={(event) => change({ version: event.target.value, against: null })}>
            {versions.map((number) => (
              <option key={number} value={number}>
                version {number}
              </option>
            ))}
          </select>
          <May role="developer">
            <Start key={version} workflow={name} version={version} />
          </May>
        </div>
      </header>
      {graph.error && <ProblemBox problem={graph.error} />}
      {graph.data ? (
        <Suspense fallback={<Loading />}>
          <StateGraph graph={graph.data} />
        </Suspense>
      ) : (
        <Loading />
      )}
      <div className="columns">
        <section className="card" aria-labelledby="versions-title">
          <header>
            <h2 id="versions-title">Versions</h2>
          </header>
          <table className="mini">
            <tbody>
              {versions.slice(0, 20).map((number) => (
                <tr key={number}>
                  <td>
                    <Link href={`/workflows/${encodeURIComponent(name)}?version=${number}`} aria-current={number === version ? "true" : undefined}>
                      version {number}
                    </Link>
                  </td>
                  <td className="right">
                    <OpenRuns workflow={name} version={number} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {definition.data && (
            <p className="muted">
              Deployed <Moment at={definition.data.created_at} />, checksum <code>{definition.data.checksum.slice(0, 12)}</code>
            </p>
          )}
        </section>
        {against > 0 && (
          <section className="card" aria-labelledby="diff-title">
            <header>
              <h2 id="diff-title">What changed</h2>
              <select aria-label="Compare with" value={against} onChange={(event) => change({ against: event.target.value, version: String(version) }, "replace")}>
                {versions
                  .filter((number) => number !== version)
                  .map((number) => (
                    <option key={number} value={number}>
                      since version {number}
                    </option>
                  ))}
              </select>
            </header>
            <Compare path={path} from={against} to={version} />
          </section>
        )}
      </div>
      <section className="card" aria-label="Text">
        {definition.data && (
          <details>
            <summary>Definition</summary>
            <Data value={definition.data.definition} title="As deployed" />
          </details>
        )}
      </section>
    </div>
  );
}
