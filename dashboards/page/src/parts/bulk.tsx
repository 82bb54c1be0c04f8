// One action for many runs: those that were chosen, or all that fit the filters. The server does it, at a rate.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, Problem, type Query } from "../api/client";
import type { Operation } from "../api/model";
import { count } from "../format";
import { go } from "../router";
import { ActDialog } from "./act";
import { Notice, ProblemBox } from "./notices";

export type BulkAction = "retry" | "cancel" | "pause" | "resume" | "discard";

const words: Record<BulkAction, { label: string; does: string }> = {
  retry: { label: "Retry", does: "Each goes on where it failed; results of earlier states stay." },
  cancel: { label: "Cancel", does: "Each ends gracefully: a handler that is at work may finish." },
  pause: { label: "Pause", does: "Nothing new begins in them until they are resumed." },
  resume: { label: "Resume", does: "What fell due meanwhile happens now." },
  discard: { label: "Discard", does: "They stay failed and leave the dead letters." },
};

const kDefaultRate = 50;
/** One by one from the page; more of them go as one operation of the server. */
const kMaxOneByOne = 500;

const pathOf = (action: BulkAction, id: string): string =>
  action === "discard" ? `/v1/dead-letters/${id}/discard` : `/v1/runs/${id}/${action}`;

/** All that fit `filter`, as one operation: counted first, then watched on its own page. */
export function OperationDialog({ action, filter, onClose, onDone }: { action: BulkAction; filter: Query; onClose: () => void; onDone?: () => void }) {
  const [perSecond, setPerSecond] = useState(String(kDefaultRate));
  const dry = useQuery<Operation, Problem>({
    queryKey: ["dry run", action, filter],
    queryFn: () => call<Operation>("POST", "/v1/operations", { body: { action, filter, dry_run: true, reason: "how many are there" } }),
    staleTime: 0,
    gcTime: 0,
  });
  const matched = dry.data?.matched ?? 0;
  return (
    <ActDialog
      label={words[action].label}
      title={`${words[action].label} all that match`}
      confirm={dry.data ? `${words[action].label} ${count(matched)} ${matched === 1 ? "run" : "runs"}` : words[action].label}
      tone={action === "cancel" || action === "discard" ? "danger" : "primary"}
      reason="required"
      isReady={dry.isSuccess && matched > 0}
      onClose={onClose}
      run={async ({ reason, key }) => {
        const body = { action, filter, reason, dry_run: false, rate_per_second: Number(perSecond) || kDefaultRate };
        const begun = await call<Operation>("POST", "/v1/operations", { body, idempotencyKey: key });
        onDone?.();
        if (begun.operation_id) go(`/operations/${begun.operation_id}`);
        return `Begun: ${count(begun.matched)} runs`;
      }}
    >
      <p className="muted">{words[action].does}</p>
      <ul>
        {Object.entries(filter).map(([name, value]) => (
          <li key={name}>
            <span className="muted">{name.replace(/_/g, " ")}:</span> <code>{String(value)}</code>
          </li>
        ))}
      </ul>
      {dry.isPending && <p className="muted">Counting…</p>}
      {dry.data && (
        <Notice tone={matched === 0 ? "quiet" : "waiting"}>
          <strong>{count(matched)}</strong> {matched === 1 ? "run matches" : "runs match"} now.
        </Notice>
      )}
      {dry.error && <ProblemBox problem={dry.error.status === 501 ? new Error("This server does not offer operations yet. Choose rows instead.") : dry.error} />}
      <label className="field">
        <span>At most so many a second</span>
        <input type="number" min={1} max={1000} step={1} value={perSecond} onChange={(event) => setPerSecond(event.target.value)} required />
      </label>
    </ActDialog>
  );
}

/** Chosen rows, one call each. */
export function ChosenDialog({ action, ids, onClose, onDone }: { action: BulkAction; ids: string[]; onClose: () => void; onDone?: () => void }) {
  const [done, setDone] = useState(0);
  return (
    <ActDialog
      label={words[action].label}
      title={`${words[action].label} ${count(ids.length)} ${ids.length === 1 ? "run" : "runs"}?`}
      tone={action === "cancel" || action === "discard" ? "danger" : "primary"}
      reason="required"
      onClose={onClose}
      onDone={onDone}
      run={async ({ reason, key }) => {
        const refused: string[] = [];
        for (const [at, id] of ids.slice(0, kMaxOneByOne).entries()) {
          try {
            await call("POST", pathOf(action, id), { body: { reason }, idempotencyKey: `${key}-${at}` });
          } catch (error) {
            if (!(error instanceof Problem) || error.isPassing) throw error;
            refused.push(error.detail);
          }
          setDone(at + 1);
        }
        if (refused.length === ids.length) throw new Error(`Refused for every run: ${refused[0]}`);
        return refused.length === 0 ? `Done for ${count(ids.length)}` : `Done for ${count(ids.length - refused.length)}, refused for ${count(refused.length)}: ${refused[0]}`;
      }}
    >
      <p className="muted">{words[action].does}</p>
      {done > 0 && (
        <progress value={done} max={ids.length} aria-label="Done">
          {done}
        </progress>
      )}
    </ActDialog>
  );
}

export function BulkAct({ query, chosen, isFiltered, onDone }: { query: Query; chosen: string[]; isFiltered: boolean; onDone: () => void }) {
  const [action, setAction] = useState<BulkAction | null>(null);
  const [isAll, setAll] = useState(false);
  if (chosen.length === 0) return null;
  const actions: BulkAction[] = ["retry", "cancel", "pause", "resume", "discard"];
  return (
    <div className="bulk" role="region" aria-label="Actions for chosen runs">
      <strong>{isAll ? "All that match the filters" : `${count(chosen.length)} chosen`}</strong>
      {isFiltered && (
        <button type="button" className="button small" onClick={() => setAll(!isAll)}>
          {isAll ? "Only the chosen ones" : "Select all matching"}
        </button>
      )}
      <span className="actions">
        {actions.map((name) => (
          <button key={name} type="button" className="button small" onClick={() => setAction(name)}>
            {words[name].label}
          </button>
        ))}
      </span>
      {action &&
        (isAll ? (
          <OperationDialog action={action} filter={query} onClose={() => setAction(null)} onDone={onDone} />
        ) : (
          <ChosenDialog action={action} ids={chosen} onClose={() => setAction(null)} onDone={onDone} />
        ))}
    </div>
  );
}
