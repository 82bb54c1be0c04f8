// One row per visit of a state, one bar per attempt or wait.
import { useMemo, useState } from "react";
import type { HistoryEvent } from "../api/model";
import { useNow } from "../clock";
import { duration } from "../format";
import { Data } from "../parts/data";
import { Empty } from "../parts/notices";
import { Link } from "../router";
import { timelineOf, type TimelineRow } from "./timeline";

/** Rows drawn at first; a Map of thousands has more than anybody reads. */
const kShownRows = 300;

function Row({ row, from, span, now }: { row: TimelineRow; from: number; span: number; now: number }) {
  const [isOpen, setOpen] = useState(false);
  const place = (at: number): string => `${(((at - from) / span) * 100).toFixed(3)}%`;
  const wide = (bar: { from: number; to: number | null }): string => `${(Math.max(0, (bar.to ?? now) - bar.from) / span) * 100}%`;
  return (
    <>
      <button type="button" className="timeline-row" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span className="timeline-name" style={{ paddingLeft: row.depth * 14 }}>
          {row.state} {row.attempts > 1 && <small>{row.attempts} attempts</small>}
        </span>
        <span className="timeline-track" aria-hidden="true">
          {row.bars.map((bar, at) => (
            <span
              key={at}
              className={`timeline-bar tone-${bar.standing}${bar.isPause ? " pause" : ""}${bar.to === null ? " open" : ""}`}
              style={{ left: place(bar.from), width: wide(bar) }}
              title={`${bar.title} ${duration((bar.to ?? now) - bar.from)}`}
            />
          ))}
        </span>
        <span className="muted right nowrap">{duration((row.to ?? now) - row.from)}</span>
      </button>
      {isOpen && (
        <div className="timeline-detail">
          {row.error && (
            <p className="problem">
              <strong>{row.error}</strong>
              {row.cause && `: ${row.cause}`}
            </p>
          )}
          {row.childId && (
            <p>
              Child run <Link href={`/runs/${row.childId}`}>{row.childId}</Link>
            </p>
          )}
          {row.bars.length > 1 && (
            <ul>
              {row.bars.filter((bar) => bar.title !== "").map((bar, at) => (
                <li key={at} className="muted">
                  {bar.title}: {duration((bar.to ?? now) - bar.from)}
                </li>
              ))}
            </ul>
          )}
          <Data value={row.input} title="Input" />
          {row.output !== undefined && <Data value={row.output} title="Output" />}
        </div>
      )}
    </>
  );
}

export function TimelineView({ history, state }: { history: HistoryEvent[]; state: string | null }) {
  const now = useNow();
  const timeline = useMemo(() => timelineOf(history, now), [history, now]);
  const [shown, setShown] = useState(kShownRows);
  const rows = state === null ? timeline.rows : timeline.rows.filter((row) => row.state === state);
  if (rows.length === 0) return <Empty title="Nothing has begun yet" />;
  return (
    <div className="timeline">
      {rows.slice(0, shown).map((row) => (
        <Row key={row.id} row={row} from={timeline.from} span={timeline.to - timeline.from} now={now} />
      ))}
      {rows.length > shown && (
        <button type="button" className="button quiet" onClick={() => setShown(shown + 1000)}>
          {rows.length - shown} more
        </button>
      )}
    </div>
  );
}
