// Every accepted signal, with what became of it.
import { useState } from "react";
import { call } from "../api/client";
import type { Signal } from "../api/model";
import { useList } from "../api/queries";
import { Act } from "../parts/act";
import { Data, Glance } from "../parts/data";
import { Dialog } from "../parts/dialog";
import { JsonField, readJson } from "../parts/json_field";
import { Empty } from "../parts/notices";
import { Word } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Moment, When } from "../parts/when";
import { Link, useFilters } from "../router";
import { May } from "../session";

const fates = ["buffered", "delivered", "started", "consumed", "expired", "unmatched", "rejected"];

const columnsOf = (onOpen: (signal: Signal) => void): Column<Signal>[] => [
  { id: "fate", header: "Fate", width: "104px", cell: (item) => <Word word={item.fate} /> },
  {
    id: "name",
    header: "Signal and key",
    width: "minmax(10rem, 1.2fr)",
    cell: (item) => (
      <>
        <button type="button" className="button link" onClick={() => onOpen(item)}>
          {item.name}
        </button>{" "}
        <span className="muted">{item.key}</span>
      </>
    ),
  },
  { id: "met", header: "Met", width: "minmax(8rem, 1fr)", wide: true, cell: (item) => (item.run_id ? <Link href={`/runs/${item.run_id}`}>{item.state_name ?? "the run"}</Link> : <span className="muted">{item.reason ?? "nobody yet"}</span>) },
  { id: "payload", header: "Payload", width: "minmax(8rem, 1.2fr)", wide: true, cell: (item) => <Glance value={item.payload} /> },
  { id: "at", header: "Received", width: "118px", wide: true, cell: (item) => <When at={item.received_at} /> },
];

function Send({ signal, label }: { signal?: Signal; label: string }) {
  const [name, setName] = useState(signal?.name ?? "");
  const [key, setKey] = useState(signal?.key ?? "");
  const [text, setText] = useState(signal ? JSON.stringify(signal.payload, null, 2) : "{}");
  const read = readJson(text);
  return (
    <Act
      label={label}
      title={signal ? "Send it once more, maybe to another key" : "Send a signal"}
      confirm="Send"
      tone="primary"
      wide
      isReady={name !== "" && key !== "" && read.problem === undefined}
      run={async ({ key: idempotency }) => {
        const sent = await call<{ fate: string }>("POST", `/v1/signals/${encodeURIComponent(name)}`, { body: { key, payload: read.value ?? null, id: idempotency } });
        return `${name}: ${sent.fate}`;
      }}
    >
      <div className="field-row">
        <label className="field">
          <span>Name</span>
          <input type="text" required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>Key</span>
          <input type="text" required value={key} onChange={(event) => setKey(event.target.value)} />
        </label>
      </div>
      <JsonField label="Payload" text={text} onChange={setText} rows={8} />
    </Act>
  );
}

export default function Signals() {
  const [filters, change] = useFilters();
  const [open, setOpen] = useState<Signal | null>(null);
  const query = { name: filters.get("name"), key: filters.get("key"), fate: filters.get("fate"), run_id: filters.get("run_id") };
  const list = useList<Signal>("/v1/signals", query);
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Signals</h1>
          <p className="lead">Early, late or twice: each has a fate.</p>
        </div>
        <May role="operator">
          <Send label="Send a signal" />
        </May>
      </header>
      <div className="filters">
        <div className="chips" role="group" aria-label="Fates">
          {fates.map((fate) => (
            <button key={fate} type="button" className="chip" aria-pressed={query.fate === fate} onClick={() => change({ fate: query.fate === fate ? null : fate })}>
              {fate}
            </button>
          ))}
        </div>
        <input type="text" aria-label="Name" placeholder="name" defaultValue={query.name ?? ""} onBlur={(event) => change({ name: event.target.value.trim() })} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
        <input type="text" aria-label="Key" placeholder="key" defaultValue={query.key ?? ""} onBlur={(event) => change({ key: event.target.value.trim() })} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
      </div>
      <Table label="Signals" columns={columnsOf(setOpen)} list={list} idOf={(item) => item.signal_id} empty={<Empty title="No signal fits" />} />
      {open && (
        <Dialog title={`${open.name} ${open.key ?? ""}`} wide onClose={() => setOpen(null)}>
          <div className="stack">
            <dl className="facts">
              <div><dt>fate</dt><dd><Word word={open.fate} /> {open.reason}</dd></div>
              <div><dt>id</dt><dd className="mono">{open.id}</dd></div>
              <div><dt>received</dt><dd><Moment at={open.received_at} /></dd></div>
              <div><dt>settled</dt><dd><Moment at={open.settled_at} none="not yet" /></dd></div>
              <div><dt>kept until</dt><dd><Moment at={open.expires_at} /></dd></div>
              <div><dt>run</dt><dd>{open.run_id ? <Link href={`/runs/${open.run_id}`}>{open.run_id}</Link> : "none"}</dd></div>
            </dl>
            <Data value={open.payload} title="Payload" />
            <May role="operator">
              <div className="actions">
                <Send signal={open} label="Send once more" />
              </div>
            </May>
          </div>
        </Dialog>
      )}
    </>
  );
}
