import type { Schedule } from "../api/model";
import { useList } from "../api/queries";
import { NewSchedule } from "../parts/new_schedule";
import { Empty } from "../parts/notices";
import { firesInWords } from "../parts/schedule_words";
import { Word } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { When } from "../parts/when";
import { Link } from "../router";
import { May } from "../session";

const addressOf = (item: Schedule): string => `/schedules/${encodeURIComponent(item.name)}`;

const columns: Column<Schedule>[] = [
  { id: "name", header: "Schedule", width: "minmax(9rem, 1.2fr)", cell: (item) => <><Link href={addressOf(item)}>{item.name}</Link> {item.paused && <Word word="paused" />}</> },
  { id: "starts", header: "Starts", width: "minmax(8rem, 1fr)", wide: true, cell: (item) => item.workflow ?? item.handler },
  { id: "rule", header: "When", width: "minmax(7rem, 1fr)", wide: true, cell: (item) => <><code>{firesInWords(item)}</code> <span className="muted">{item.time_zone}</span></> },
  { id: "overlap", header: "Overlap", width: "84px", wide: true, cell: (item) => item.overlap },
  { id: "next", header: "Next", width: "132px", cell: (item) => (item.paused ? <span className="muted">paused</span> : <When at={item.next_fire_at} none="never" />) },
  { id: "last", header: "Last run", width: "92px", wide: true, cell: (item) => (item.last_run_id ? <Link href={`/runs/${item.last_run_id}`}>open</Link> : <span className="muted">–</span>) },
];

export default function Schedules() {
  const list = useList<Schedule>("/v1/schedules");
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>Schedules</h1>
          <p className="lead">Rules that start runs again and again.</p>
        </div>
        <May role="developer">
          <NewSchedule />
        </May>
      </header>
      <Table label="Schedules" columns={columns} list={list} idOf={(item) => item.name} hrefOf={addressOf} empty={<Empty title="No schedule"><code>orchestrator schedule create --file FILE</code> makes one.</Empty>} />
    </>
  );
}
