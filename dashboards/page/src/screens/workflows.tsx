import type { WorkflowItem } from "../api/model";
import { useList } from "../api/queries";
import { Empty } from "../parts/notices";
import { Table, type Column } from "../parts/table";
import { Link } from "../router";

const addressOf = (item: WorkflowItem): string => `/workflows/${encodeURIComponent(item.workflow)}`;

const columns: Column<WorkflowItem>[] = [
  { id: "name", header: "Workflow", width: "minmax(10rem, 1.5fr)", cell: (item) => <Link href={addressOf(item)}>{item.workflow}</Link> },
  { id: "versions", header: "Versions", width: "90px", align: "right", cell: (item) => item.versions.length },
  { id: "newest", header: "Newest", width: "90px", align: "right", wide: true, cell: (item) => `v${Math.max(...item.versions)}` },
  {
    id: "runs",
    header: "Runs",
    width: "minmax(9rem, 1fr)",
    wide: true,
    cell: (item) => (
      <>
        <Link href={`/runs?workflow=${encodeURIComponent(item.workflow)}&state=ready,running,waiting,paused`}>open</Link>{" · "}
        <Link href={`/runs?workflow=${encodeURIComponent(item.workflow)}&state=failed,timed_out`}>failed</Link>{" · "}
        <Link href={`/runs?workflow=${encodeURIComponent(item.workflow)}`}>all</Link>
      </>
    ),
  },
];

export default function Workflows() {
  const list = useList<WorkflowItem>("/v1/workflows", {}, { live: false });
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Definitions</h1>
          <p className="lead">Named, versioned, immutable. A run keeps the version it began with.</p>
        </div>
      </header>
      <Table label="Definitions" columns={columns} list={list} idOf={(item) => item.workflow} hrefOf={addressOf} empty={<Empty title="No definition"><code>orchestrator workflow deploy FILE</code> deploys one.</Empty>} />
    </>
  );
}
