// Live: while the stream of events flows, what changed is asked for at once and everything else rarely; without it the
// page asks every few seconds.
import type { Query, QueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { Problem, send } from "./api/client";
import { useConnection } from "./api/connection";

export type Liveness = "stream" | "polling";

const kPollingMs = 2500;
const kStreamingMs = 15_000;
/** A burst of events asks once: the page stays smooth at hundreds of events a second. */
const kGatherMs = 400;
/** Pauses are at least so many times as long as the asking before them: a slow screen or server is asked less often. */
const kPauseFactor = 3;
/** Lists that were scrolled further than this are not asked again by themselves: every page would be read anew. */
export const kMaxLivePages = 2;
const kReconnectMs = 1000;

let liveness: Liveness = "polling";
const listeners = new Set<() => void>();

function tell(next: Liveness): void {
  if (next === liveness) return;
  liveness = next;
  listeners.forEach((listener) => listener());
}

export const useLiveness = (): Liveness =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => liveness,
  );

/** How often a screen asks again, in milliseconds; false while the server is away: the connection watches for it. */
export function useLiveInterval(): number | false {
  const connection = useConnection();
  const how = useLiveness();
  if (connection.state === "away") return false;
  return how === "stream" ? kStreamingMs : kPollingMs;
}

/** One event of a stream: `id` resumes after it. */
export interface StreamEvent {
  id: string;
  type: string;
  data: string;
}

/** Cuts a text/event-stream (WHATWG HTML, 9.2) into events; keeps what is not complete yet. */
export class StreamReader {
  private rest = "";

  take(text: string): StreamEvent[] {
    this.rest += text.replace(/\r\n?/g, "\n");
    const events: StreamEvent[] = [];
    let end: number;
    while ((end = this.rest.indexOf("\n\n")) >= 0) {
      const block = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + 2);
      const event: StreamEvent = { id: "", type: "message", data: "" };
      let hasData = false;
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon === 0) continue;
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "id") event.id = value;
        if (name === "event") event.type = value;
        if (name === "data") {
          event.data += hasData ? `\n${value}` : value;
          hasData = true;
        }
      }
      // An id without data only says where to resume.
      if (hasData || event.id !== "") events.push(event);
    }
    return events;
  }
}

async function follow(path: string, lastId: string, onEvent: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
  const response = await send("GET", path, { signal, headers: { Accept: "text/event-stream", ...(lastId === "" ? {} : { "Last-Event-ID": lastId }) } });
  if (!response.body || !(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) {
    throw new Problem(501, "not-implemented", "The server offers no stream of events.");
  }
  tell("stream");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const cutter = new StreamReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    cutter.take(value).forEach(onEvent);
  }
}

/** Keeps one stream of all events open for as long as the page is signed in, and asks anew for what it shows. */
export function useStream(client: QueryClient): void {
  useEffect(() => {
    const ending = new AbortController();
    let lastId = "";
    let gathered: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let pauseMs = kGatherMs;
    let isAsking = false;
    let isDue = false;
    const gather = (): void => {
      // What is being asked may have been answered before this event: it is asked once more, after a pause.
      if (isAsking) isDue = true;
      else gathered ??= setTimeout(() => void refresh(), pauseMs);
    };
    const refresh = async (): Promise<void> => {
      gathered = undefined;
      if (document.hidden) return;
      isAsking = true;
      const begun = performance.now();
      await client.invalidateQueries({ refetchType: "active", predicate: isLiveQuery }, { cancelRefetch: false });
      pauseMs = Math.max(kGatherMs, kPauseFactor * (performance.now() - begun));
      isAsking = false;
      if (isDue && !ending.signal.aborted) {
        isDue = false;
        gather();
      }
    };
    const onEvent = (event: StreamEvent): void => {
      if (event.id !== "") lastId = event.id;
      if (event.data === "") return;
      gather();
    };
    const open = async (): Promise<void> => {
      try {
        await follow("/v1/events", lastId, onEvent, ending.signal);
      } catch (error) {
        if (ending.signal.aborted) return;
        // A server without streams stays one: asking every few seconds is all there is.
        if (error instanceof Problem && (error.status === 501 || error.status === 404 || error.status === 403)) {
          tell("polling");
          return;
        }
      }
      if (ending.signal.aborted) return;
      tell("polling");
      again = setTimeout(open, kReconnectMs);
    };
    void open();
    return () => {
      ending.abort();
      if (gathered !== undefined) clearTimeout(gathered);
      if (again !== undefined) clearTimeout(again);
      tell("polling");
    };
  }, [client]);
}

/** Definitions and the session do not change with runs; counts have a pace of their own. */
function isLiveQuery(query: Query): boolean {
  const path = String(query.queryKey[0]);
  if (!path.startsWith("/v1/") || path.startsWith("/v1/workflows") || path === "/v1/session" || path === "/v1/namespaces") return false;
  const pages = (query.state.data as { pages?: unknown[] } | undefined)?.pages?.length ?? 0;
  return pages <= Number(query.meta?.livePages ?? kMaxLivePages);
}
