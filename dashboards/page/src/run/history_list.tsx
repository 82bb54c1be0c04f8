// Every event of a run, however many: only those in sight are drawn.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { HistoryEvent, Json } from "../api/model";
import { clock, count, exact } from "../format";
import { Data } from "../parts/data";
import { Empty } from "../parts/notices";
import { Link } from "../router";

const shownApart = new Set(["seq", "previous_seq", "at", "type", "state_name", "input", "output", "error", "cause", "scope"]);

function inWords(event: HistoryEvent): string {
  const parts: string[] = [];
  if (event.state_name) parts.push(event.state_name);
  if (event.attempt) parts.push(`attempt ${event.attempt}`);
  if (event.worker) parts.push(`on ${event.worker}`);
  if (event.names) parts.push(event.names.join(" or "));
  if (event.next) parts.push(`to ${event.next}`);
  if (event.error) parts.push(event.error);
  if (event.retry_at) parts.push(`again at ${clock(event.retry_at)}`);
  if (event.actor) parts.push(`by ${event.actor}`);
  if (event.reason) parts.push(`“${event.reason}”`);
  return parts.join(" · ");
}

const toneOf = (type: string): string =>
  /Failed|TimedOut|Lost/.test(type) ? "bad" : /Succeeded|Consumed/.test(type) ? "good" : /Cancel|Abort/.test(type) ? "quiet" : /Retried|Edited|Paused|Resumed|Skipped/.test(type) ? "paused" : "plain";

function Event({ event, isOpen, onToggle }: { event: HistoryEvent; isOpen: boolean; onToggle: () => void }) {
  const details: Record<string, Json> = {};
  for (const [name, value] of Object.entries(event)) if (!shownApart.has(name) && value !== undefined) details[name] = value;
  return (
    <>
      <button type="button" className="event-line" aria-expanded={isOpen} onClick={onToggle}>
        <span className="seq">{event.seq}</span>
        <time dateTime={event.at} title={exact(event.at)}>
          {clock(event.at)}
        </time>
        <span>
          <span className={`event-type tone-${toneOf(event.type)}`}>{event.type}</span> <span className="muted">{inWords(event)}</span>
        </span>
      </button>
      {isOpen && (
        <div className="event-body">
          {event.cause && <pre className="raw">{event.cause}</pre>}
          {event.run_id && (
            <p>
              Run <Link href={`/runs/${event.run_id}`}>{event.run_id}</Link>
            </p>
          )}
          {event.input !== undefined && <Data value={event.input} title="Input" />}
          {event.output !== undefined && <Data value={event.output} title="Output" />}
          {Object.keys(details).length > 0 && <Data value={details} title="Details" />}
        </div>
      )}
    </>
  );
}

export function HistoryList({ history, isComplete }: { history: HistoryEvent[]; isComplete: boolean }) {
  const [wanted, setWanted] = useState("");
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const [isNewestFirst, setNewestFirst] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const events = useMemo(() => {
    const text = wanted.trim().toLowerCase();
    const fitting = text === "" ? history : history.filter((event) => `${event.type} ${event.state_name ?? ""} ${event.error ?? ""} ${event.cause ?? ""}`.toLowerCase().includes(text));
    return isNewestFirst ? [...fitting].reverse() : fitting;
  }, [history, wanted, isNewestFirst]);
  useLayoutEffect(() => setMargin((frame.current?.getBoundingClientRect().top ?? 0) + window.scrollY), [events.length === 0]);
  // Another function would have every event measured anew.
  const keyOf = useCallback((at: number) => events[at].seq, [events]);
  const virtual = useWindowVirtualizer({ count: events.length, estimateSize: () => 38, overscan: 15, scrollMargin: margin, getItemKey: keyOf });
  const toggle = (seq: number): void => {
    const next = new Set(open);
    if (!next.delete(seq)) next.add(seq);
    setOpen(next);
  };
  return (
    <div className="stack">
      <div className="filters">
        <input type="search" aria-label="Find in the history" placeholder="state, type or error" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        <label>
          <input type="checkbox" checked={isNewestFirst} onChange={(event) => setNewestFirst(event.target.checked)} /> newest first
        </label>
        <span className="muted" aria-live="polite">
          {count(events.length)} {events.length === 1 ? "event" : "events"}
          {!isComplete && ", reading on…"}
        </span>
      </div>
      {events.length === 0 ? (
        <Empty title={history.length === 0 ? "No history yet" : "No event fits"} />
      ) : (
        <div className="panel">
          <div className="history" ref={frame} style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((place) => (
              <div key={place.key} className="event" data-index={place.index} ref={virtual.measureElement} style={{ transform: `translateY(${place.start - margin}px)` }}>
                <Event event={events[place.index]} isOpen={open.has(events[place.index].seq)} onToggle={() => toggle(events[place.index].seq)} />
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
