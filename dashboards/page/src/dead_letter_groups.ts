// Failed runs of one cause are one thing to mend: the same error in the same state of the same workflow.
import type { DeadLetter } from "./api/model";

export interface DeadLetterGroup {
  id: string;
  workflow: string;
  kind: "workflow" | "job";
  error: string;
  /** The cause of the newest one: causes of one error differ in ids and times. */
  cause: string | null;
  state_name: string | null;
  items: DeadLetter[];
  newest: string;
  oldest: string;
  reasons: Record<string, number>;
}

const lastState = (item: DeadLetter): string | null => item.failed_attempts?.[item.failed_attempts.length - 1]?.state_name ?? null;

/** Largest group first. */
export function groupByError(items: DeadLetter[]): DeadLetterGroup[] {
  const groups = new Map<string, DeadLetterGroup>();
  for (const item of items) {
    const error = item.error?.error ?? "no error name";
    const state = lastState(item);
    const id = `${item.workflow}\n${error}\n${state ?? ""}`;
    const known = groups.get(id);
    if (known) {
      known.items.push(item);
      if (item.failed_at > known.newest) known.newest = item.failed_at;
      if (item.failed_at < known.oldest) known.oldest = item.failed_at;
      known.reasons[item.reason] = (known.reasons[item.reason] ?? 0) + 1;
    } else {
      groups.set(id, {
        id,
        workflow: item.workflow,
        kind: item.kind,
        error,
        cause: item.error?.cause ?? null,
        state_name: state,
        items: [item],
        newest: item.failed_at,
        oldest: item.failed_at,
        reasons: { [item.reason]: 1 },
      });
    }
  }
  return [...groups.values()].sort((a, b) => b.items.length - a.items.length || (a.id < b.id ? -1 : 1));
}
