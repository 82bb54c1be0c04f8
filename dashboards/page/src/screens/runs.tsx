// Runs by filters that are the address: what is seen can be sent to somebody else.
import { useQuery } from "@tanstack/react-query";
import type { RowSelectionState } from "@tanstack/react-table";
import { useState, type FormEvent } from "react";
import { get, type Query } from "../api/client";
import { runStates, type Page, type Run, type WorkflowItem } from "../api/model";
import { useList, usePlain } from "../api/queries";
import { useNow } from "../clock";
import { count, shortId, waitInWords } from "../format";
import { useLiveInterval } from "../live";
import { BulkAct } from "../parts/bulk";
import { Empty } from "../parts/notices";
import { State } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Lasted, When } from "../parts/when";
import { Link, runAddress, useFilters } from "../router";
import { useSavedViews } from "../saved_views";
import { May, useMay } from "../session";

const filterNames = ["state", "workflow", "version", "key", "queue", "handler", "error", "started_after", "started_before", "waiting_on", "parent_run_id", "q"];
const waitKinds = ["step", "signal", "timer", "retry", "child", "limit", "worker", "queue_paused", "paused", "decision"];
const isFilter = (name: string): boolean => filterNames.includes(name) || name.startsWith("attribute.");

/** Runs are counted up to here; nobody reads more. */
const kCounted = 500;
const kCountMs = 5000;

function Why({ run }: { run: Run }) {
  const now = useNow();
  if (run.error) return <span title={run.error.cause ?? ""}>{run.error.error}</span>;
  if (run.waiting_on.length === 0) return null;
  const more = run.waiting_on.length > 1 ? ` and ${run.waiting_on.length - 1} more` : "";
  const words = waitInWords(run.waiting_on[0], now) + more;
  return <span title={words}>{words}</span>;
}

const columns: Column<Run>[] = [
  { id: "state", header: "State", width: "112px", cell: (run) => <State state={run.state} /> },
  {
    id: "workflow",
    header: "Workflow and key",
    width: "minmax(10rem, 1.2fr)",
    cell: (run) => (
      <>
        <Link href={runAddress(run.run_id)}>{run.workflow}</Link> <span className="muted">{run.key ?? shortId(run.run_id)}</span>
      </>
    ),
  },
  { id: "why", header: "Waits for, or failed with", width: "minmax(10rem, 1.6fr)", wide: true, cell: (run) => <Why run={run} /> },
  { id: "started", header: "Accepted", width: "112px", wide: true, cell: (run) => <When at={run.created_at} /> },
  { id: "lasted", header: "Took", width: "88px", wide: true, align: "right", cell: (run) => <Lasted from={run.started_at ?? run.created_at} to={run.closed_at} /> },
];

function Count({ query }: { query: Query }) {
  const interval = useLiveInterval();
  const counted = useQuery({
    queryKey: ["count", query],
    queryFn: ({ signal }) => get<Page<Run>>("/v1/runs", { ...query, limit: kCounted }, signal),
    refetchInterval: interval === false ? false : Math.max(interval, kCountMs),
    enabled: Object.keys(query).length > 0,
  });
  if (!counted.data) return null;
  const number = counted.data.items.length;
  return (
    <span className="muted" aria-live="polite">
      {counted.data.next_cursor ? `more than ${count(number)}` : count(number)} {number === 1 && !counted.data.next_cursor ? "run" : "runs"}
    </span>
  );
}

function MoreFilters({ workflows, onSet }: { workflows: string[]; onSet: (name: string, value: string) => void }) {
  const [name, setName] = useState("workflow");
  const [attribute, setAttribute] = useState("");
  const [value, setValue] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (value.trim() === "") return;
    const isTime = name === "started_after" || name === "started_before";
    onSet(name === "attribute" ? `attribute.${attribute.trim()}` : name, isTime ? new Date(value).toISOString() : value.trim());
    setValue("");
  };
  return (
    <form className="filters" onSubmit={submit}>
      <select aria-label="Filter by" value={name} onChange={(event) => { setName(event.target.value); setValue(""); }}>
        {["workflow", "key", "error", "waiting_on", "queue", "handler", "version", "attribute", "parent_run_id", "started_after", "started_before"].map((option) => (
          <option key={option} value={option}>
            {option.replace(/_/g, " ")}
          </option>
        ))}
      </select>
      {name === "attribute" && <input type="text" aria-label="Attribute" placeholder="attribute" required value={attribute} onChange={(event) => setAttribute(event.target.value)} />}
      {name === "workflow" || name === "waiting_on" ? (
        <select aria-label="Value" value={value} onChange={(event) => { setValue(event.target.value); if (event.target.value !== "") onSet(name, event.target.value); }}>
          <option value="">choose…</option>
          {(name === "workflow" ? workflows : waitKinds).map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : (
        <input type={name.startsWith("started_") ? "datetime-local" : "text"} aria-label="Value" value={value} onChange={(event) => setValue(event.target.value)} />
      )}
      <button className="button">Add filter</button>
    </form>
  );
}

function Views({ query }: { query: string }) {
  const { views, save, forget } = useSavedViews();
  const [name, setName] = useState("");
  return (
    <details className="views">
      <summary>Saved views{views.length > 0 && ` (${views.length})`}</summary>
      <div className="filters">
        {views.map((view) => (
          <span className="chip-set" key={view.name}>
            <Link href={`/runs${view.query}`}>{view.name}</Link>
            <button type="button" aria-label={`Forget the view ${view.name}`} onClick={() => forget(view.name)}>
              ✕
            </button>
          </span>
        ))}
        <form
          className="filters"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() !== "") save({ name: name.trim(), query });
            setName("");
          }}
        >
          <input type="text" aria-label="Name of the view" placeholder="name these filters" value={name} onChange={(event) => setName(event.target.value)} />
          <button className="button" disabled={query === ""}>
            Save
          </button>
        </form>
      </div>
    </details>
  );
}

export default function Runs() {
  const [filters, change] = useFilters();
  const mayOperate = useMay("operator");
  const [chosen, setChosen] = useState<RowSelectionState>({});
  const workflows = usePlain<Page<WorkflowItem>>("/v1/workflows", undefined, { live: false });
  const query: Query = {};
  for (const [name, value] of filters) if (isFilter(name)) query[name] = value;
  const list = useList<Run>("/v1/runs", query);
  const states = new Set((filters.get("state") ?? "").split(",").filter((state) => state !== ""));
  const set = (name: string, value: string | null): void => {
    setChosen({});
    change({ [name]: value });
  };
  const toggle = (state: string): void => {
    const next = new Set(states);
    if (!next.delete(state)) next.add(state);
    set("state", [...next].join(","));
  };
  const rest = Object.entries(query).filter(([name]) => name !== "state");
  const isFiltered = Object.keys(query).length > 0;
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Runs</h1>
          <p className="lead">
            Newest first. <Count query={query} />
          </p>
        </div>
      </header>
      <div className="filters" role="group" aria-label="States">
        <div className="chips">
          {runStates.map((state) => (
            <button key={state} type="button" className="chip" aria-pressed={states.has(state)} onClick={() => toggle(state)}>
              {state.replace("_", " ")}
            </button>
          ))}
        </div>
      </div>
      <MoreFilters workflows={workflows.data?.items.map((item) => item.workflow) ?? []} onSet={set} />
      {rest.length > 0 && (
        <div className="filters">
          {rest.map(([name, value]) => (
            <span className="chip-set" key={name}>
              {name === "q" ? "begins with" : name.replace(/_/g, " ")}: {String(value)}
              <button type="button" aria-label={`Remove the filter ${name}`} onClick={() => set(name, null)}>
                ✕
              </button>
            </span>
          ))}
        </div>
      )}
      <div className="filters">
        <Views query={location.search} />
      </div>
      <May role="operator">
        <BulkAct query={query} chosen={Object.keys(chosen)} isFiltered={isFiltered} onDone={() => setChosen({})} />
      </May>
      <Table
        label="Runs"
        columns={columns}
        list={list}
        idOf={(run) => run.run_id}
        hrefOf={(run) => runAddress(run.run_id)}
        selection={mayOperate ? { chosen, onChange: setChosen } : undefined}
        empty={
          isFiltered ? (
            <Empty title="No run fits these filters">Take one away, or look for the beginning of a key with the search above.</Empty>
          ) : (
            <Empty title="No run yet">
              <code>orchestrator run start NAME</code> starts one.
            </Empty>
          )
        }
      />
    </>
  );
}
