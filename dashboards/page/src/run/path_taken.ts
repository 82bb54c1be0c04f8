// What a history says about the graph: which states were entered, how each stands, and which edges were walked. Pure.
import type { HistoryEvent } from "../api/model";

export type StepStanding = "busy" | "waiting" | "good" | "bad" | "late" | "quiet";

export interface StepStory {
  standing: StepStanding;
  visits: number;
  attempts: number;
}

export interface PathTaken {
  steps: Map<string, StepStory>;
  /** "A\nB": from state A to state B. */
  edges: Set<string>;
}

const standingAfter: Record<string, StepStanding> = {
  TaskScheduled: "waiting",
  TaskStarted: "busy",
  TaskSucceeded: "good",
  TaskFailed: "bad",
  TaskTimedOut: "late",
  TaskLost: "late",
  TaskCancelled: "quiet",
  TaskSnoozed: "waiting",
  SignalAwaited: "waiting",
  SignalConsumed: "good",
  SignalWaitEnded: "quiet",
  ChildRequested: "waiting",
  ChildStarted: "waiting",
  ParallelStateFailed: "bad",
  MapStateFailed: "bad",
  StepSkipped: "quiet",
};

export function pathTaken(history: HistoryEvent[]): PathTaken {
  const steps = new Map<string, StepStory>();
  const edges = new Set<string>();
  const left = new Map<number, string>();
  const story = (name: string): StepStory => {
    let known = steps.get(name);
    if (!known) {
      known = { standing: "waiting", visits: 0, attempts: 0 };
      steps.set(name, known);
    }
    return known;
  };
  for (const event of history) {
    const scope = event.scope ?? 0;
    const name = event.state_name;
    if (event.type === "RunRetried") {
      left.delete(0);
      continue;
    }
    if (event.type === "ExecutionAborted" || event.type === "ExecutionTimedOut") {
      for (const step of steps.values()) if (step.standing === "busy" || step.standing === "waiting") step.standing = "quiet";
    }
    if (!name) continue;
    if (event.type.endsWith("StateEntered")) {
      const from = left.get(scope);
      if (from !== undefined) edges.add(`${from}\n${name}`);
      left.delete(scope);
      const step = story(name);
      step.visits += 1;
      step.standing = event.type === "SucceedStateEntered" ? "good" : event.type === "FailStateEntered" ? "bad" : event.type === "WaitStateEntered" ? "waiting" : "busy";
    } else if (event.type.endsWith("StateExited")) {
      left.set(scope, name);
      // A failure that was caught leads on, and stays a failure to look at.
      const step = story(name);
      if (step.standing !== "bad" && step.standing !== "late") step.standing = "good";
      else if (event.next === undefined && event.type !== "ParallelStateExited" && event.type !== "MapStateExited") step.standing = "good";
    } else {
      const standing = standingAfter[event.type];
      const step = story(name);
      if (standing) step.standing = standing;
      if (event.type === "TaskScheduled") step.attempts += 1;
      if ((event.type === "TaskFailed" || event.type === "TaskTimedOut") && event.retry_at) step.standing = "waiting";
    }
  }
  return { steps, edges };
}
