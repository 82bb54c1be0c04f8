// Actions on many runs, while they go on.
import { call, Problem } from "../api/client";
import type { Operation } from "../api/model";
import { useList, usePlain } from "../api/queries";
import { count } from "../format";
import { Act } from "../parts/act";
import { Data } from "../parts/data";
import { Empty, Loading, Notice, ProblemBox } from "../parts/notices";
import { Word } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Moment, When } from "../parts/when";
import { Link, runsAddress } from "../router";
import { May } from "../session";

function Progress({ operation }: { operation: Operation }) {
  const done = operation.done ?? 0;
  const failed = operation.failed ?? 0;
  const part = (number: number): string => `${operation.matched === 0 ? 0 : (number / operation.matched) * 100}%`;
  return (
    <div className="progress" role="progressbar" aria-label="Done" aria-valuemin={0} aria-valuemax={operation.matched} aria-valuenow={done + failed}>
      <i style={{ width: part(done) }} />
      <i className="failed" style={{ width: part(failed) }} />
    </div>
  );
}

function One({ id }: { id: string }) {
  const found = usePlain<Operation>(`/v1/operations/${id}`);
  const operation = found.data;
  if (found.error && !operation) return found.error.status === 404 ? <Empty title="There is no such operation" /> : <ProblemBox problem={found.error} />;
  if (!operation) return <Loading />;
  const state = operation.state ?? "running";
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <p className="muted">
            <Link href="/operations">Operations</Link>
          </p>
          <h1>
            {operation.action ? `${operation.action[0].toUpperCase()}${operation.action.slice(1)} ${count(operation.matched)} runs` : "Operation"} <Word word={state} />
          </h1>
          {operation.reason && <p className="lead">{operation.reason}</p>}
        </div>
        {state === "running" && (
          <May role="operator">
            <Act label="Stop" title="Stop the operation?" confirm="Stop" tone="danger" run={async () => { await call("POST", `/v1/operations/${id}/stop`, { body: {} }); return "Stopped; what was done stays done"; }}>
              <p className="muted">What it has done stays done; the rest is left as it is.</p>
            </Act>
          </May>
        )}
      </header>
      <section className="card stack" aria-label="Progress">
        <Progress operation={operation} />
        <dl className="facts" aria-live="polite">
          <div><dt>matched</dt><dd>{count(operation.matched)}</dd></div>
          <div><dt>done</dt><dd>{count(operation.done ?? 0)}</dd></div>
          <div><dt>refused</dt><dd>{count(operation.failed ?? 0)}</dd></div>
          {operation.rate_per_second && <div><dt>at most</dt><dd>{operation.rate_per_second}/s</dd></div>}
          {operation.actor && <div><dt>by</dt><dd>{operation.actor}</dd></div>}
          {operation.created_at && <div><dt>begun</dt><dd><Moment at={operation.created_at} /></dd></div>}
          {operation.ended_at && <div><dt>ended</dt><dd><Moment at={operation.ended_at} /></dd></div>}
          {operation.stopped_by && <div><dt>stopped by</dt><dd>{operation.stopped_by}</dd></div>}
        </dl>
      </section>
      {(operation.failures?.length ?? 0) > 0 && (
        <section className="card" aria-labelledby="refused-title">
          <header>
            <h2 id="refused-title">Refused{(operation.failed ?? 0) > (operation.failures?.length ?? 0) && ", the first of them"}</h2>
          </header>
          <table className="mini">
            <tbody>
              {operation.failures?.map((failure) => (
                <tr key={failure.run_id}>
                  <td className="key">
                    <Link href={`/runs/${failure.run_id}`}>{failure.run_id}</Link>
                  </td>
                  <td>
                    <code>{failure.code}</code> {failure.message}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {operation.filter && (
        <section className="card" aria-label="Filter">
          <Data value={operation.filter} title="Which runs" />
          <p>
            <Link href={runsAddress(operation.filter)}>See the runs that match now</Link>
          </p>
        </section>
      )}
    </div>
  );
}

const columns: Column<Operation>[] = [
  { id: "state", header: "State", width: "100px", cell: (item) => <Word word={item.state ?? "running"} /> },
  { id: "action", header: "Action", width: "minmax(8rem, 1fr)", cell: (item) => <Link href={`/operations/${item.operation_id}`}>{item.action ?? "operation"}</Link> },
  { id: "reason", header: "Reason", width: "minmax(8rem, 1.4fr)", wide: true, cell: (item) => item.reason },
  { id: "progress", header: "Done", width: "120px", align: "right", cell: (item) => `${count((item.done ?? 0) + (item.failed ?? 0))} of ${count(item.matched)}` },
  { id: "at", header: "Begun", width: "118px", wide: true, cell: (item) => <When at={item.created_at} /> },
];

function All() {
  const list = useList<Operation>("/v1/operations");
  const isMissing = list.problem instanceof Problem && (list.problem.status === 501 || list.problem.status === 405 || list.problem.status === 404);
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Operations</h1>
          <p className="lead">Actions on many runs at once, at a rate. They begin on Runs and Dead letters.</p>
        </div>
      </header>
      {isMissing ? (
        <Notice tone="quiet">This server keeps no list of operations; each is shown where it was begun.</Notice>
      ) : (
        <Table label="Operations" columns={columns} list={list} idOf={(item) => item.operation_id ?? ""} hrefOf={(item) => `/operations/${item.operation_id}`} empty={<Empty title="No operation yet" />} />
      )}
    </>
  );
}

export default function Operations({ parameters }: { parameters: Record<string, string> }) {
  return parameters.id ? <One id={parameters.id} /> : <All />;
}
