// What people are asked, with the form that the definition describes.
import { useState } from "react";
import { call } from "../api/client";
import type { OpenDecision } from "../api/model";
import { useList } from "../api/queries";
import { Act } from "../parts/act";
import { readJson } from "../parts/json_field";
import { Empty } from "../parts/notices";
import { SchemaForm } from "../parts/schema_form";
import { Table, type Column } from "../parts/table";
import { When } from "../parts/when";
import { Link } from "../router";
import { May } from "../session";

function Answer({ decision }: { decision: OpenDecision }) {
  const [text, setText] = useState("{}");
  const read = readJson(text);
  return (
    <Act
      label="Answer"
      title={decision.title ?? decision.name}
      tone="primary"
      size="small"
      isReady={read.problem === undefined}
      run={async ({ key }) => {
        const sent = await call<{ fate: string }>("POST", `/v1/runs/${decision.run_id}/signals/${encodeURIComponent(decision.name)}`, { body: read.value ?? null, idempotencyKey: key });
        return `Answered: ${sent.fate}`;
      }}
    >
      <p className="muted">
        {decision.workflow} {decision.key}, in {decision.state_name}
        {decision.roles?.length > 0 && <>; for {decision.roles.join(", ")}</>}
      </p>
      <SchemaForm schema={decision.schema} text={text} onChange={setText} label="Answer" />
    </Act>
  );
}

const columns: Column<OpenDecision>[] = [
  { id: "title", header: "Question", width: "minmax(10rem, 1.6fr)", cell: (item) => <strong>{item.title ?? item.name}</strong> },
  {
    id: "run",
    header: "Run",
    width: "minmax(8rem, 1.2fr)",
    wide: true,
    cell: (item) => (
      <>
        <Link href={`/runs/${item.run_id}`}>{item.workflow}</Link> <span className="muted">{item.key}</span>
      </>
    ),
  },
  { id: "since", header: "Asked", width: "118px", wide: true, cell: (item) => <When at={item.since} /> },
  { id: "until", header: "Until", width: "118px", wide: true, cell: (item) => <When at={item.until} none="no end" /> },
  {
    id: "answer",
    header: "Answer",
    width: "96px",
    align: "right",
    cell: (item) => (
      <May role="operator">
        <Answer decision={item} />
      </May>
    ),
  },
];

export default function Decisions() {
  const list = useList<OpenDecision>("/v1/decisions");
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Decisions</h1>
          <p className="lead">Runs that wait for a person's answer.</p>
        </div>
      </header>
      <Table label="Open decisions" columns={columns} list={list} idOf={(item) => `${item.run_id} ${item.state_name} ${item.name} ${item.since}`} empty={<Empty title="Nobody is asked anything" />} />
    </>
  );
}
