// The whole history of a run: read page by page, then only what is new.
import { useEffect, useRef, useState } from "react";
import { get, Problem } from "../api/client";
import type { HistoryEvent, Page } from "../api/model";
import { useLiveInterval } from "../live";

const kPage = 500;
/** More events are not read by themselves: the page says so. */
export const kMaxEvents = 25_000;

export interface History {
  events: HistoryEvent[];
  isComplete: boolean;
  problem: Problem | null;
}

const nothing: History = { events: [], isComplete: false, problem: null };

/** Reads one run's history and goes on where it left off whenever it is poked. */
class Reader {
  private readonly ending = new AbortController();
  private events: HistoryEvent[] = [];
  private cursor: string | null = null;
  private isReading = false;
  private isDue = false;

  constructor(
    private readonly runId: string,
    private readonly tell: (history: History) => void,
  ) {}

  /** What is being read may be older than this poke: then it is read once more. A read is never given up for a poke. */
  poke(): void {
    this.isDue = true;
    if (!this.isReading) void this.read();
  }

  end(): void {
    this.ending.abort();
  }

  private async read(): Promise<void> {
    this.isReading = true;
    try {
      while (this.isDue && this.events.length < kMaxEvents) {
        this.isDue = false;
        while (!(await this.readPage()) && this.events.length < kMaxEvents);
      }
    } catch (error) {
      if (this.ending.signal.aborted) return;
      const problem = error instanceof Problem ? error : new Problem(0, "", String(error));
      if (!problem.isPassing) this.tell({ events: this.events, isComplete: true, problem });
    } finally {
      this.isReading = false;
    }
  }

  /** Whether it was the last one. That is read again later: what comes then begins in it. */
  private async readPage(): Promise<boolean> {
    const page = await get<Page<HistoryEvent>>(`/v1/runs/${this.runId}/history`, { limit: kPage, cursor: this.cursor }, this.ending.signal);
    const last = this.events.length === 0 ? 0 : this.events[this.events.length - 1].seq;
    const fresh = page.items.filter((event) => event.seq > last);
    if (fresh.length > 0) this.events = this.events.concat(fresh);
    if (page.next_cursor !== null) this.cursor = page.next_cursor;
    if (!this.ending.signal.aborted) this.tell({ events: this.events, isComplete: page.next_cursor === null, problem: null });
    return page.next_cursor === null;
  }
}

/** `version` changes whenever the run did. */
export function useHistory(runId: string, version: string): History {
  const [history, setHistory] = useState<History>(nothing);
  const interval = useLiveInterval();
  const reader = useRef<Reader | null>(null);
  useEffect(() => {
    setHistory(nothing);
    const own = new Reader(runId, (next) =>
      setHistory((before) => (before.events === next.events && before.isComplete === next.isComplete && before.problem === next.problem ? before : next)),
    );
    reader.current = own;
    return () => own.end();
  }, [runId]);
  useEffect(() => {
    if (interval !== false) reader.current?.poke();
  }, [runId, version, interval]);
  return history;
}
