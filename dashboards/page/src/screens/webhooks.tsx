// What providers sent, as it came, and where they may knock.
import { useState } from "react";
import { call } from "../api/client";
import type { Delivery, Endpoint } from "../api/model";
import { useList, usePlain } from "../api/queries";
import { bytes, count } from "../format";
import { Act } from "../parts/act";
import { Copy, Data } from "../parts/data";
import { Dialog } from "../parts/dialog";
import { NewEndpoint } from "../parts/new_endpoint";
import { Empty, ProblemBox } from "../parts/notices";
import { Word } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Moment, When } from "../parts/when";
import { Link, useFilters } from "../router";
import { May, useMay } from "../session";

function bodyText(base64: string): string {
  const raw = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const text = new TextDecoder().decode(raw);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Body({ id }: { id: string }) {
  const found = usePlain<Delivery>(`/v1/webhook-deliveries/${id}`, undefined, { live: false });
  const maySee = useMay("operator");
  if (found.error) return <ProblemBox problem={found.error} />;
  const base64 = found.data?.body_base64;
  if (!maySee) return <p className="muted">The raw body is for operators.</p>;
  if (!base64) return <p className="muted">No body.</p>;
  const text = bodyText(base64);
  return (
    <div>
      <div className="json-head">
        <span className="json-title">Body as received, {bytes(found.data?.body_bytes ?? 0)}</span>
        <Copy text={text} />
      </div>
      <pre className="raw" tabIndex={0} aria-label="Body">
        {text}
      </pre>
    </div>
  );
}

function Replay({ delivery }: { delivery: Delivery }) {
  return (
    <Act
      label="Replay"
      title="Send its signals once more?"
      confirm="Replay"
      tone="primary"
      reason="optional"
      run={async ({ reason, key }) => {
        const sent = await call<{ fate: string }>("POST", `/v1/webhook-deliveries/${delivery.delivery_id}/replay`, { body: reason === "" ? {} : { reason }, idempotencyKey: key });
        return `Replayed: ${sent.fate}`;
      }}
    >
      <p className="muted">The stored body is read by the endpoint as it is now, and counts as a new signal.</p>
    </Act>
  );
}

const deliveryColumns = (onOpen: (item: Delivery) => void): Column<Delivery>[] => [
  { id: "verdict", header: "Verdict", width: "100px", cell: (item) => <Word word={item.verdict} /> },
  {
    id: "endpoint",
    header: "Endpoint",
    width: "minmax(9rem, 1.2fr)",
    cell: (item) => (
      <>
        <button type="button" className="button link" onClick={() => onOpen(item)}>
          {item.endpoint}
        </button>{" "}
        <span className="muted">{item.provider}</span>
      </>
    ),
  },
  { id: "fate", header: "Fate", width: "104px", wide: true, cell: (item) => (item.fate ? <Word word={item.fate} /> : <span className="muted">{item.reason ?? "–"}</span>) },
  { id: "key", header: "Provider's id", width: "minmax(8rem, 1fr)", wide: true, cell: (item) => <span className="mono">{item.dedupe_key}</span> },
  { id: "twice", header: "Repeats", width: "74px", wide: true, align: "right", cell: (item) => (item.altered_duplicates > 0 ? <span className="problem-text">{item.duplicates}, altered</span> : count(item.duplicates)) },
  { id: "at", header: "Received", width: "118px", cell: (item) => <When at={item.received_at} /> },
];

function Endpoints() {
  const list = useList<Endpoint>("/v1/webhook-endpoints");
  const columns: Column<Endpoint>[] = [
    { id: "name", header: "Endpoint", width: "minmax(8rem, 1fr)", cell: (item) => <strong>{item.name}</strong> },
    { id: "provider", header: "Provider", width: "120px", cell: (item) => item.provider },
    { id: "url", header: "Address", width: "minmax(10rem, 1.3fr)", wide: true, cell: (item) => <><code>{item.url}</code> <Copy text={location.origin + item.url} label={`Copy the address of ${item.name}`} /></> },
    { id: "signal", header: "Signal", width: "minmax(8rem, 1.2fr)", wide: true, cell: (item) => <><code>{item.signal.name}</code> <span className="muted">key {item.signal.key}</span></> },
    { id: "start", header: "Starts", width: "110px", wide: true, cell: (item) => (item.start ? <Link href={`/workflows/${item.start.workflow}`}>{item.start.workflow}</Link> : <span className="muted">–</span>) },
    {
      id: "deliveries",
      header: "Deliveries",
      width: "92px",
      align: "right",
      cell: (item) => <Link href={`/webhooks?endpoint=${encodeURIComponent(item.name)}`}>show</Link>,
    },
    {
      id: "delete",
      header: "Delete",
      width: "82px",
      align: "right",
      wide: true,
      cell: (item) => (
        <May role="developer">
          <Act label="Delete" size="small" tone="danger" title={`Delete ${item.name}?`} run={async () => { await call("DELETE", `/v1/webhook-endpoints/${encodeURIComponent(item.name)}`); return `${item.name} is gone`; }}>
            <p className="muted">What the provider sends from now on is refused.</p>
          </Act>
        </May>
      ),
    },
  ];
  return <Table label="Webhook endpoints" columns={columns} list={list} idOf={(item) => item.name} empty={<Empty title="No endpoint"><code>orchestrator webhook</code> makes one.</Empty>} />;
}

function Deliveries() {
  const [filters, change] = useFilters();
  const [open, setOpen] = useState<Delivery | null>(null);
  const query = { endpoint: filters.get("endpoint"), provider: filters.get("provider"), verdict: filters.get("verdict") };
  const list = useList<Delivery>("/v1/webhook-deliveries", query);
  return (
    <>
      <div className="filters">
        <div className="chips" role="group" aria-label="Verdicts">
          {["accepted", "duplicate", "poison"].map((verdict) => (
            <button key={verdict} type="button" className="chip" aria-pressed={query.verdict === verdict} onClick={() => change({ verdict: query.verdict === verdict ? null : verdict })}>
              {verdict}
            </button>
          ))}
        </div>
        {query.endpoint && (
          <span className="chip-set">
            endpoint: {query.endpoint}
            <button type="button" aria-label="Remove the filter endpoint" onClick={() => change({ endpoint: null })}>
              ✕
            </button>
          </span>
        )}
      </div>
      <Table label="Deliveries" columns={deliveryColumns(setOpen)} list={list} idOf={(item) => item.delivery_id} empty={<Empty title="No delivery fits">Forged ones are not stored, only counted.</Empty>} />
      {open && (
        <Dialog title={`${open.endpoint}: ${open.provider}`} wide onClose={() => setOpen(null)}>
          <div className="stack">
            <dl className="facts">
              <div><dt>verdict</dt><dd><Word word={open.verdict} /> {open.reason}</dd></div>
              <div><dt>fate</dt><dd>{open.fate ? <Word word={open.fate} /> : "–"}</dd></div>
              <div><dt>received</dt><dd><Moment at={open.received_at} /></dd></div>
              <div><dt>repeats</dt><dd>{open.duplicates}{open.altered_duplicates > 0 && `, ${open.altered_duplicates} with other bytes`}</dd></div>
              <div><dt>replays</dt><dd>{open.replays}</dd></div>
              <div><dt>provider's id</dt><dd className="mono">{open.dedupe_key}</dd></div>
            </dl>
            <May role="operator">
              <div className="actions">
                <Replay delivery={open} />
              </div>
            </May>
            <Body id={open.delivery_id} />
            {open.headers && <Data value={open.headers} title="Headers" />}
          </div>
        </Dialog>
      )}
    </>
  );
}

export default function Webhooks() {
  const [filters, change] = useFilters();
  const isEndpoints = filters.get("show") === "endpoints";
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Webhooks</h1>
          <p className="lead">What providers sent, verified and kept as it came.</p>
        </div>
        <May role="developer">
          <NewEndpoint />
        </May>
      </header>
      <div className="filters">
        <div className="chips" role="group" aria-label="Show">
          <button type="button" className="chip" aria-pressed={!isEndpoints} onClick={() => change({ show: null })}>
            Deliveries
          </button>
          <button type="button" className="chip" aria-pressed={isEndpoints} onClick={() => change({ show: "endpoints", endpoint: null, verdict: null })}>
            Endpoints
          </button>
        </div>
      </div>
      {isEndpoints ? <Endpoints /> : <Deliveries />}
    </>
  );
}
