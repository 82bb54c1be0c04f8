// One schedule: its next fires on a calendar, what became of every slot, and the buttons.
import { addDays, format, startOfDay } from "date-fns";
import { useState } from "react";
import { call } from "../api/client";
import type { Page, PlannedSlot, Schedule, Slot } from "../api/model";
import { useList, usePlain } from "../api/queries";
import { Act } from "../parts/act";
import { Data } from "../parts/data";
import { Empty, Loading, Notice, ProblemBox } from "../parts/notices";
import { firesInWords } from "../parts/schedule_words";
import { Word } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Moment, When } from "../parts/when";
import { go, Link } from "../router";
import { May } from "../session";

/** Asked for the calendar: the server's limit of one page. */
const kPreviewed = 200;
const kCalendarDays = 28;

/** "+02:00" of "2026-03-29T03:00:00+02:00". */
const offsetOf = (local: string): string => /([+-]\d\d:\d\d|Z)$/.exec(local)?.[1] ?? "";
const dayOf = (local: string): string => local.slice(0, 10);

/** Days where the clocks change, between two fires that are shown. */
function changesOf(slots: PlannedSlot[]): { day: string; from: string; to: string }[] {
  const changes: { day: string; from: string; to: string }[] = [];
  for (let i = 1; i < slots.length; ++i) {
    const from = offsetOf(slots[i - 1].local);
    const to = offsetOf(slots[i].local);
    if (from !== "" && to !== "" && from !== to) changes.push({ day: dayOf(slots[i].local), from, to });
  }
  return changes;
}

function Calendar({ slots, zone }: { slots: PlannedSlot[]; zone: string }) {
  const first = slots.length > 0 ? new Date(`${dayOf(slots[0].local)}T12:00:00`) : new Date();
  const begin = addDays(startOfDay(first), -((first.getDay() + 6) % 7));
  const byDay = new Map<string, string[]>();
  for (const slot of slots) byDay.set(dayOf(slot.local), [...(byDay.get(dayOf(slot.local)) ?? []), slot.local.slice(11, 16)]);
  const lastKnown = slots.length > 0 ? dayOf(slots[slots.length - 1].local) : "";
  const changes = changesOf(slots);
  return (
    <>
      <div className="calendar" role="group" aria-label={`Fires of the next four weeks, ${zone}`}>
        {["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"].map((name) => (
          <span className="calendar-name" key={name}>
            {name}
          </span>
        ))}
        {Array.from({ length: kCalendarDays }, (_, i) => {
          const day = format(addDays(begin, i), "yyyy-MM-dd");
          const times = byDay.get(day) ?? [];
          const isOpen = slots.length === kPreviewed && day === lastKnown;
          return (
            <div key={day} className={times.length > 0 ? "calendar-day has" : "calendar-day"} title={times.join(", ")}>
              {day.slice(8)}
              {times.length > 0 && (
                <b>
                  {times.length === 1 ? times[0] : `${times.length}${isOpen ? "+" : ""}×`}
                </b>
              )}
            </div>
          );
        })}
      </div>
      {changes.map((change) => (
        <Notice key={change.day} tone="waiting">
          The clocks change before the fire of {change.day}: {change.from} becomes {change.to}.
        </Notice>
      ))}
    </>
  );
}

const slotColumns: Column<Slot>[] = [
  { id: "slot", header: "Slot", width: "minmax(10rem, 1fr)", cell: (slot) => <><Moment at={slot.slot} />{slot.slots ? <span className="muted"> and {slot.slots - 1} more</span> : null}</> },
  { id: "outcome", header: "What became of it", width: "minmax(8rem, 1fr)", cell: (slot) => <><Word word={slot.outcome} /> <span className="muted">{slot.reason}</span></> },
  { id: "origin", header: "Asked by", width: "100px", wide: true, cell: (slot) => slot.origin },
  { id: "run", header: "Run", width: "80px", cell: (slot) => (slot.run_id ? <Link href={`/runs/${slot.run_id}`}>open</Link> : <span className="muted">–</span>) },
];

function Backfill({ path }: { path: string }) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  return (
    <Act
      label="Backfill"
      title="Start what was left out"
      confirm="Backfill"
      isReady={from !== "" && to !== ""}
      run={async ({ key }) => {
        const done = await call<{ slots: number }>("POST", `${path}/backfill`, { body: { from: new Date(from).toISOString(), to: new Date(to).toISOString() }, idempotencyKey: key });
        return `${done.slots} slots will be filled`;
      }}
    >
      <p className="muted">Every slot from the first moment until before the second starts a run.</p>
      <div className="field-row">
        <label className="field">
          <span>From (your time zone)</span>
          <input type="datetime-local" required value={from} onChange={(event) => setFrom(event.target.value)} />
        </label>
        <label className="field">
          <span>To</span>
          <input type="datetime-local" required value={to} onChange={(event) => setTo(event.target.value)} />
        </label>
      </div>
    </Act>
  );
}

export default function ScheduleScreen({ parameters }: { parameters: Record<string, string> }) {
  const path = `/v1/schedules/${encodeURIComponent(parameters.name)}`;
  const found = usePlain<Schedule>(path);
  const preview = usePlain<Page<PlannedSlot>>(`${path}/preview`, { count: kPreviewed }, { live: false });
  const fires = useList<Slot>(`${path}/fires`);
  const schedule = found.data;
  if (found.error && !schedule) return found.error.status === 404 ? <Empty title="There is no such schedule" /> : <ProblemBox problem={found.error} />;
  if (!schedule) return <Loading />;
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <p className="muted">
            <Link href="/schedules">Schedules</Link>
          </p>
          <h1>
            {schedule.name} {schedule.paused && <Word word="paused" />}
          </h1>
        </div>
        <May role="operator">
          <div className="actions">
            <Act
              label="Start a run now"
              title={`Start ${schedule.workflow ?? schedule.handler} now?`}
              confirm="Start it"
              tone="primary"
              run={async ({ key }) => {
                const done = await call<{ run_id: string }>("POST", `${path}/trigger`, { idempotencyKey: key });
                go(`/runs/${done.run_id}`);
                return "Started";
              }}
            >
              <p className="muted">Beside its slots, with the schedule's input.</p>
            </Act>
            <Backfill path={path} />
            {schedule.paused ? (
              <Act label="Resume" tone="primary" title={`Resume ${schedule.name}?`} run={async () => { await call("POST", `${path}/resume`, { body: {} }); return "The schedule goes on"; }}>
                <p className="muted">Slots that passed meanwhile follow its rule for missed ones: {schedule.missed}.</p>
              </Act>
            ) : (
              <Act label="Pause" title={`Pause ${schedule.name}?`} confirm="Pause the schedule" run={async () => { await call("POST", `${path}/pause`, { body: {} }); return "The schedule is paused"; }}>
                <p className="muted">It starts nothing until it is resumed.</p>
              </Act>
            )}
          </div>
        </May>
      </header>
      <section className="card" aria-label="Rule">
        <dl className="facts">
          <div><dt>starts</dt><dd>{schedule.workflow ? <Link href={`/workflows/${schedule.workflow}`}>{schedule.workflow}</Link> : <code>{schedule.handler}</code>}</dd></div>
          <div><dt>when</dt><dd><code>{firesInWords(schedule)}</code></dd></div>
          <div><dt>time zone</dt><dd>{schedule.time_zone}</dd></div>
          <div><dt>next</dt><dd>{schedule.paused ? "paused" : <When at={schedule.next_fire_at} none="never" />}</dd></div>
          <div><dt>overlap</dt><dd>{schedule.overlap}</dd></div>
          <div><dt>missed slots</dt><dd>{schedule.missed}, at most {schedule.missed_max}</dd></div>
          <div><dt>clocks forward, back</dt><dd>{schedule.gap}, {schedule.fold}</dd></div>
          <div><dt>jitter</dt><dd>{schedule.jitter_seconds ?? 0} s</dd></div>
        </dl>
      </section>
      <div className="columns">
        <section className="card" aria-labelledby="next-title">
          <header>
            <h2 id="next-title">Next fires</h2>
            <span className="muted">{schedule.time_zone}</span>
          </header>
          {preview.error && <ProblemBox problem={preview.error} />}
          {preview.data && (preview.data.items.length === 0 ? <Empty title="It never fires again" /> : <Calendar slots={preview.data.items} zone={schedule.time_zone} />)}
        </section>
        <section className="card" aria-labelledby="soon-title">
          <header>
            <h2 id="soon-title">The first of them</h2>
          </header>
          <table className="mini">
            <thead>
              <tr>
                <th>local</th>
                <th>UTC</th>
                <th className="right">in</th>
              </tr>
            </thead>
            <tbody>
              {preview.data?.items.slice(0, 8).map((slot) => (
                <tr key={slot.fire_at + slot.local}>
                  <td className="mono">{slot.local}</td>
                  <td className="mono">{slot.fire_at.slice(0, 19)}Z</td>
                  <td className="right">
                    <When at={slot.fire_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {schedule.input !== undefined && <Data value={schedule.input} title="Input of its runs" />}
        </section>
      </div>
      <h2>What became of every slot</h2>
      <Table label="Slots" columns={slotColumns} list={fires} idOf={(slot) => `${slot.slot} ${slot.origin} ${slot.decided_at ?? ""} ${slot.run_id ?? ""}`} empty={<Empty title="No slot has come yet" />} />
    </div>
  );
}
