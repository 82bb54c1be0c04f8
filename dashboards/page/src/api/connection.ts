// Whether the server answers. Every call reports here, and the page shows it: what is on the screen may be old.
import { useSyncExternalStore } from "react";

export interface Connection {
  state: "well" | "away";
  /** When the server last answered, in milliseconds since 1970. */
  heardAt: number;
}

let connection: Connection = { state: "well", heardAt: Date.now() };
const listeners = new Set<() => void>();
let probe: ReturnType<typeof setTimeout> | undefined;
let whenBack: () => void = () => {};

/** How often a server that went away is asked whether it is back. */
const kProbeMs = 1000;

function tell(next: Connection): void {
  const changed = next.state !== connection.state;
  connection = next;
  if (changed) listeners.forEach((listener) => listener());
}

async function look(): Promise<void> {
  probe = undefined;
  try {
    const response = await fetch("/readyz", { cache: "no-store" });
    if (response.ok) {
      tell({ state: "well", heardAt: Date.now() });
      whenBack();
      return;
    }
  } catch {
    // Still away.
  }
  probe = setTimeout(look, kProbeMs);
}

export function heardFrom(): void {
  if (connection.state === "well") connection.heardAt = Date.now();
}

export function lostSight(): void {
  tell({ state: "away", heardAt: connection.heardAt });
  if (probe === undefined) probe = setTimeout(look, kProbeMs);
}

/** Called once each time the server answers again. */
export function onBack(listener: () => void): void {
  whenBack = listener;
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connection,
  );
}
