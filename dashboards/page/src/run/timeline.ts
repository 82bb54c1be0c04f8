// A history as rows of a timeline: one per visit of a state, with a bar for each attempt and each wait. Pure.
import type { HistoryEvent, Json } from "../api/model";
import type { StepStanding } from "./path_taken";

export interface Bar {
  from: number;
  /** Null: still going on. */
  to: number | null;
  standing: StepStanding;
  /** A wait between attempts, for a signal, a child or a moment: nobody is at work. */
  isPause: boolean;
  title: string;
}

export interface TimelineRow {
  id: string;
  state: string;
  depth: number;
  from: number;
  to: number | null;
  bars: Bar[];
  attempts: number;
  standing: StepStanding;
  input?: Json;
  output?: Json;
  error?: string;
  cause?: string;
  childId?: string;
  seq: number;
}

export interface Timeline {
  rows: TimelineRow[];
  from: number;
  to: number;
}

export function timelineOf(history: HistoryEvent[], now: number): Timeline {
  const rows: TimelineRow[] = [];
  const open = new Map<string, TimelineRow>();
  const depths = new Map<number, number>([[0, 0]]);
  const time = (event: HistoryEvent): number => Date.parse(event.at);
  const end = (row: TimelineRow, at: number, standing: StepStanding): void => {
    const bar = row.bars[row.bars.length - 1];
    if (bar && bar.to === null) {
      bar.to = at;
      if (!bar.isPause || standing === "bad" || standing === "late") bar.standing = standing;
    }
  };
  const begin = (row: TimelineRow, at: number, standing: StepStanding, isPause: boolean, title: string): void => {
    end(row, at, row.standing);
    row.bars.push({ from: at, to: null, standing, isPause, title });
    row.standing = standing;
  };
  for (const event of history) {
    const scope = event.scope ?? 0;
    const at = time(event);
    if (event.type === "MapIterationStarted" || event.type === "ParallelBranchStarted") depths.set(scope, (depths.get(event.parent ?? 0) ?? 0) + 1);
    const key = `${scope} ${event.state_name ?? ""}`;
    if (event.type.endsWith("StateEntered") && event.state_name) {
      if (scope !== 0 && !depths.has(scope)) depths.set(scope, 1);
      const row: TimelineRow = { id: `${event.seq}`, state: event.state_name, depth: depths.get(scope) ?? 0, from: at, to: null, bars: [], attempts: 0, standing: "busy", input: event.input, seq: event.seq };
      if (event.type === "WaitStateEntered") begin(row, at, "waiting", true, "waits for its moment");
      open.set(key, row);
      rows.push(row);
      if (event.type === "SucceedStateEntered" || event.type === "FailStateEntered") {
        row.to = at;
        row.standing = event.type === "FailStateEntered" ? "bad" : "good";
        open.delete(key);
      }
      continue;
    }
    const row = event.state_name === undefined ? undefined : open.get(key);
    if (event.type === "ExecutionAborted" || event.type === "ExecutionTimedOut" || event.type === "ExecutionFailed") {
      for (const [name, left] of open) {
        end(left, at, event.type === "ExecutionFailed" ? left.standing : "quiet");
        left.to = at;
        if (left.standing === "busy" || left.standing === "waiting") left.standing = "quiet";
        // A retry goes on in the state that failed, without entering it again.
        if (event.type !== "ExecutionFailed") open.delete(name);
      }
      continue;
    }
    if (!row) continue;
    switch (event.type) {
      case "TaskScheduled":
        row.attempts += 1;
        row.to = null;
        begin(row, at, "waiting", true, `attempt ${event.attempt ?? row.attempts} waits for a worker`);
        break;
      case "TaskStarted":
        begin(row, at, "busy", false, `attempt ${event.attempt ?? row.attempts}${event.worker ? ` on ${event.worker}` : ""}`);
        break;
      case "TaskSucceeded":
        end(row, at, "good");
        row.standing = "good";
        break;
      case "TaskFailed":
      case "TaskTimedOut":
      case "TaskLost":
        end(row, at, event.type === "TaskFailed" ? "bad" : "late");
        row.error = event.error ?? event.type;
        row.cause = event.cause;
        row.standing = event.type === "TaskFailed" ? "bad" : "late";
        if (event.retry_at) begin(row, at, "waiting", true, `waits for the next attempt`);
        break;
      case "TaskCancelled":
      case "SignalWaitEnded":
        end(row, at, "quiet");
        row.standing = "quiet";
        break;
      case "SignalAwaited":
        begin(row, at, "waiting", true, `waits for ${(event.names ?? []).join(" or ")}`);
        break;
      case "SignalConsumed":
        end(row, at, "good");
        row.standing = "good";
        break;
      case "ChildRequested":
        begin(row, at, "waiting", true, "a child run");
        break;
      case "ChildStarted":
        row.childId = event.run_id;
        break;
      case "ChildEnded":
        end(row, at, "good");
        break;
      default:
        if (event.type.endsWith("StateExited")) {
          end(row, at, row.standing === "busy" || row.standing === "waiting" ? "good" : row.standing);
          row.to = at;
          row.output = event.output;
          if (row.standing === "busy" || row.standing === "waiting") row.standing = "good";
          if (row.bars.length === 0) row.bars.push({ from: row.from, to: at, standing: row.standing, isPause: false, title: "" });
          open.delete(key);
        }
    }
  }
  const from = history.length === 0 ? now : time(history[0]);
  const isOver = open.size === 0 || [...open.values()].every((row) => row.to !== null);
  const to = history.length === 0 ? now : isOver ? time(history[history.length - 1]) : now;
  return { rows, from, to: Math.max(to, from + 1) };
}
