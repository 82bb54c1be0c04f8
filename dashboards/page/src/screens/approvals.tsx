// Actions that wait for a second person.
import { call, Problem } from "../api/client";
import type { Approval } from "../api/model";
import { useList } from "../api/queries";
import { Act } from "../parts/act";
import { Empty, Notice } from "../parts/notices";
import { Word } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { When } from "../parts/when";
import { useFilters } from "../router";
import { May, useSession } from "../session";

const states = ["waiting", "approved", "done", "rejected", "expired"];

function Decide({ approval }: { approval: Approval }) {
  const session = useSession();
  if (approval.state !== "waiting") return null;
  if (approval.requested_by === session.actor) return <span className="muted">yours</span>;
  const decide = (verb: "approve" | "reject") => async ({ reason, key }: { reason: string; key: string }): Promise<string> => {
    await call("POST", `/v1/approvals/${approval.approval_id}/${verb}`, { body: reason === "" ? {} : { reason }, idempotencyKey: key });
    return verb === "approve" ? "Approved: it happens now" : "Rejected: it will not happen";
  };
  const asked = (
    <p>
      {approval.requested_by} asks for <code>{approval.action}</code> of <code>{approval.target}</code>
      {approval.reason && <>: “{approval.reason}”</>}
    </p>
  );
  return (
    <May role="operator">
      <span className="actions">
        <Act label="Approve" size="small" tone="primary" title="Approve it?" reason="optional" run={decide("approve")}>
          {asked}
        </Act>
        <Act label="Reject" size="small" tone="danger" title="Reject it?" reason="optional" run={decide("reject")}>
          {asked}
        </Act>
      </span>
    </May>
  );
}

const columns: Column<Approval>[] = [
  { id: "state", header: "State", width: "96px", cell: (item) => <Word word={item.state} tone={item.state === "waiting" ? "waiting" : undefined} /> },
  { id: "action", header: "Action", width: "minmax(9rem, 1fr)", cell: (item) => <><code>{item.action}</code> <span className="muted">{item.target}</span></> },
  { id: "reason", header: "Reason", width: "minmax(8rem, 1.2fr)", wide: true, cell: (item) => item.reason },
  { id: "who", header: "Asked by", width: "110px", wide: true, cell: (item) => item.requested_by },
  { id: "until", header: "Until", width: "118px", wide: true, cell: (item) => <When at={item.expires_at} /> },
  { id: "decide", header: "Decide", width: "170px", align: "right", cell: (item) => <Decide approval={item} /> },
];

export default function Approvals() {
  const [filters, change] = useFilters();
  const state = filters.get("state");
  const list = useList<Approval>("/v1/approvals", { state });
  const isMissing = list.problem instanceof Problem && (list.problem.status === 404 || list.problem.status === 501);
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Approvals</h1>
          <p className="lead">Actions for which a rule of this namespace asks a second person.</p>
        </div>
      </header>
      <div className="filters chips" role="group" aria-label="States">
        {states.map((name) => (
          <button key={name} type="button" className="chip" aria-pressed={state === name} onClick={() => change({ state: state === name ? null : name })}>
            {name}
          </button>
        ))}
      </div>
      {isMissing ? (
        <Notice tone="quiet">This server has no rules for a second person.</Notice>
      ) : (
        <Table label="Approvals" columns={columns} list={list} idOf={(item) => item.approval_id} empty={<Empty title="Nothing waits for a second person" />} />
      )}
    </>
  );
}
