// The whole history of a run: read page by page, then only what is new.
import { useQueryClient } from "@tanstack/react-query";
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

/** `version` changes whenever the run did. */
export function useHistory(runId: string, version: string): History {
  const [history, setHistory] = useState<History>({ events: [], isComplete: false, problem: null });
  const cursor = useRef<string | null>(null);
  const interval = useLiveInterval();
  const client = useQueryClient();
  const known = useRef<HistoryEvent[]>([]);
  useEffect(() => {
    known.current = [];
    cursor.current = null;
    setHistory({ events: [], isComplete: false, problem: null });
  }, [runId]);
  useEffect(() => {
    if (interval === false) return;
    const ending = new AbortController();
    const read = async (): Promise<void> => {
      try {
        for (;;) {
          const page = await get<Page<HistoryEvent>>(`/v1/runs/${runId}/history`, { limit: kPage, cursor: cursor.current }, ending.signal);
          const last = known.current.length === 0 ? 0 : known.current[known.current.length - 1].seq;
          const fresh = page.items.filter((event) => event.seq > last);
          if (fresh.length > 0) known.current = known.current.concat(fresh);
          // The last page is read again later: what comes then begins in it.
          if (page.next_cursor !== null) cursor.current = page.next_cursor;
          const isComplete = page.next_cursor === null;
          setHistory((before) => (fresh.length === 0 && before.isComplete === isComplete && before.problem === null ? before : { events: known.current, isComplete, problem: null }));
          if (isComplete || known.current.length >= kMaxEvents) return;
        }
      } catch (error) {
        if (ending.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, "", String(error));
        if (!problem.isPassing) setHistory((before) => ({ ...before, isComplete: true, problem }));
      }
    };
    void read();
    return () => ending.abort();
  }, [runId, version, interval, client]);
  return history;
}
