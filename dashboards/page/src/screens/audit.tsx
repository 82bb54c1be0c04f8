// Who did what, in chains that nobody can change unseen.
import { Problem } from "../api/client";
import type { AuditItem } from "../api/model";
import { useList } from "../api/queries";
import { Empty, Notice } from "../parts/notices";
import { Table, type Column } from "../parts/table";
import { Moment } from "../parts/when";
import { Link, useFilters } from "../router";
import { useMay } from "../session";

const kRunTarget = /^run[s]?[:/ ]([0-9a-f-]{36})$/i;

function Target({ text }: { text: string }) {
  const id = kRunTarget.exec(text)?.[1] ?? (/^[0-9a-f-]{36}$/.test(text) ? text : null);
  return id ? <Link href={`/runs/${id}`}>{text}</Link> : <>{text}</>;
}

const columns: Column<AuditItem>[] = [
  { id: "at", header: "When", width: "150px", cell: (item) => <Moment at={item.at} /> },
  { id: "actor", header: "Who", width: "minmax(7rem, 0.8fr)", cell: (item) => <><strong>{item.actor}</strong> <span className="muted">{item.role}</span></> },
  { id: "action", header: "Action", width: "minmax(7rem, 0.8fr)", cell: (item) => <code>{item.action}</code> },
  { id: "target", header: "Target", width: "minmax(9rem, 1.3fr)", wide: true, cell: (item) => <Target text={item.target} /> },
  { id: "reason", header: "Reason", width: "minmax(8rem, 1.2fr)", wide: true, cell: (item) => item.reason },
  { id: "hash", header: "Chain", width: "118px", wide: true, cell: (item) => <span className="mono muted" title={item.hash}>{item.chain}/{item.seq} {item.hash.slice(0, 6)}</span> },
];

export default function Audit() {
  const isAdmin = useMay("admin");
  const [filters, change] = useFilters();
  const query = { actor: filters.get("actor"), action: filters.get("action") };
  const list = useList<AuditItem>("/v1/audit", query, { enabled: isAdmin });
  if (!isAdmin) return <Notice tone="quiet">The audit is for administrators.</Notice>;
  const isMissing = list.problem instanceof Problem && list.problem.status === 501;
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Audit</h1>
          <p className="lead">
            Append-only, chained by hashes. <code>orchestrator audit verify</code> recomputes them.
          </p>
        </div>
      </header>
      <div className="filters">
        {(["actor", "action"] as const).map((name) => (
          <input key={name} type="text" aria-label={name} placeholder={name} defaultValue={query[name] ?? ""} onBlur={(event) => change({ [name]: event.target.value.trim() })} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
        ))}
      </div>
      {isMissing ? (
        <Notice tone="quiet">This server keeps no audit yet.</Notice>
      ) : (
        <Table label="Audit" columns={columns} list={list} idOf={(item) => `${item.chain} ${item.seq}`} empty={<Empty title="Nothing fits" />} />
      )}
    </>
  );
}
