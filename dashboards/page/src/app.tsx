// The table of screens. Each is loaded when it is first looked at, or once nothing else is to do.
import { useQueryClient } from "@tanstack/react-query";
import { Component, lazy, Suspense, useEffect, type ComponentType, type ReactNode } from "react";
import { useStream } from "./live";
import { Empty, Loading, ProblemBox } from "./parts/notices";
import { Toasts } from "./parts/toast";
import { fits, usePath } from "./router";
import { SignedIn } from "./session";
import { Shell } from "./shell";

type Parameters = Record<string, string>;
type Screen = ComponentType<{ parameters: Parameters }>;

const loads: (() => Promise<unknown>)[] = [];

function screen(load: () => Promise<{ default: Screen }>): Screen {
  loads.push(load);
  return lazy(load);
}

/** Fetches the code of the other screens, so that all of them open while the server is away. A load that fails now is tried
 *  again by whoever opens the screen. */
async function loadTheRest() {
  for (const load of [...loads, () => import("./run/state_graph")]) await load().catch(() => undefined);
}

const screens: { pattern: string; title: string; screen: Screen }[] = [
  { pattern: "/", title: "Overview", screen: screen(() => import("./screens/overview")) },
  { pattern: "/runs", title: "Runs", screen: screen(() => import("./screens/runs")) },
  { pattern: "/runs/{id}", title: "Run", screen: screen(() => import("./screens/run")) },
  { pattern: "/dead-letters", title: "Dead letters", screen: screen(() => import("./screens/dead_letters")) },
  { pattern: "/decisions", title: "Decisions", screen: screen(() => import("./screens/decisions")) },
  { pattern: "/queues", title: "Queues", screen: screen(() => import("./screens/queues")) },
  { pattern: "/schedules", title: "Schedules", screen: screen(() => import("./screens/schedules")) },
  { pattern: "/schedules/{name}", title: "Schedule", screen: screen(() => import("./screens/schedule")) },
  { pattern: "/signals", title: "Signals", screen: screen(() => import("./screens/signals")) },
  { pattern: "/webhooks", title: "Webhooks", screen: screen(() => import("./screens/webhooks")) },
  { pattern: "/workflows", title: "Definitions", screen: screen(() => import("./screens/workflows")) },
  { pattern: "/workflows/{name}", title: "Definition", screen: screen(() => import("./screens/workflow")) },
  { pattern: "/operations", title: "Operations", screen: screen(() => import("./screens/operations")) },
  { pattern: "/operations/{id}", title: "Operation", screen: screen(() => import("./screens/operations")) },
  { pattern: "/approvals", title: "Approvals", screen: screen(() => import("./screens/approvals")) },
  { pattern: "/audit", title: "Audit", screen: screen(() => import("./screens/audit")) },
  { pattern: "/nodes", title: "Nodes", screen: screen(() => import("./screens/nodes")) },
];

/** A screen that breaks leaves the others standing. */
class Fence extends Component<{ children: ReactNode; path: string }, { error: Error | null; path: string }> {
  state = { error: null as Error | null, path: this.props.path };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  static getDerivedStateFromProps(props: { path: string }, state: { path: string }) {
    return props.path === state.path ? null : { error: null, path: props.path };
  }
  render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <ProblemBox problem={this.state.error} onRetry={() => location.reload()} />;
  }
}

function Current() {
  const path = usePath();
  useEffect(() => {
    const timer = setTimeout(loadTheRest, 500);
    return () => clearTimeout(timer);
  }, []);
  useStream(useQueryClient());
  const found = screens.map((entry) => ({ ...entry, parameters: fits(entry.pattern, path) })).find((entry) => entry.parameters);
  const subject = found ? Object.values(found.parameters ?? {})[0] : undefined;
  useEffect(() => {
    document.title = `${subject ?? found?.title ?? "Not found"} · Orchestrator`;
  }, [subject, found?.title]);
  return (
    <Shell path={path}>
      <Fence path={path}>
        <Suspense fallback={<Loading />}>
          {found ? (
            <found.screen key={`${found.pattern} ${subject ?? ""}`} parameters={found.parameters ?? {}} />
          ) : (
            <Empty title="There is no such page">Choose another one from the menu.</Empty>
          )}
        </Suspense>
      </Fence>
    </Shell>
  );
}

export function App() {
  return (
    <>
      <SignedIn>
        <Current />
      </SignedIn>
      <Toasts />
    </>
  );
}
