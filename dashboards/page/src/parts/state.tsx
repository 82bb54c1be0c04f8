// A run's state as a coloured word: never by colour alone.
import type { RunState } from "../api/model";

const words: Record<string, string> = { timed_out: "timed out" };

export function State({ state }: { state: RunState | string }) {
  return (
    <span className={`state state-${state}`}>
      <span className="state-dot" aria-hidden="true" />
      {words[state] ?? state.replace(/_/g, " ")}
    </span>
  );
}

const tones: Record<string, string> = {
  consumed: "good", accepted: "good", started: "good", delivered: "busy", buffered: "waiting", queued: "waiting",
  expired: "bad", unmatched: "bad", rejected: "bad", poison: "bad", missed: "bad", duplicate: "quiet", skipped: "quiet",
  cancelled: "quiet", exhausted: "bad", permanent: "bad", paused: "paused", running: "busy", done: "good", stopped: "quiet",
};

/** Fates, verdicts, outcomes and reasons. */
export function Word({ word, tone }: { word: string; tone?: string }) {
  return <span className={`word tone-${tone ?? tones[word] ?? "quiet"}`}>{word.replace(/_/g, " ")}</span>;
}
