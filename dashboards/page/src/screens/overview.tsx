// Three in the morning: what is wrong, why, and where the button is.
import type { ReactNode } from "react";
import type { Approval, DeadLetter, Node, OpenDecision, Page, Queue, Run } from "../api/model";
import { useList, usePlain } from "../api/queries";
import { useNow } from "../clock";
import { groupByError } from "../dead_letter_groups";
import { count, duration, rate, relative } from "../format";
import { sum, useMetrics, type Sample } from "../metrics";
import { Chart } from "../parts/chart";
import { Empty, Loading, ProblemBox } from "../parts/notices";
import { State } from "../parts/state";
import { When } from "../parts/when";
import { Link } from "../router";

/** Ready work older than this is late enough to say so, in seconds. */
const kLateReadySeconds = 60;
/** Dead letters that are read to group them. */
const kGrouped = 500;

interface Todo {
  id: string;
  tone: string;
  figure: string;
  title: ReactNode;
  detail: ReactNode;
  href: string;
  action: string;
}

function todosOf(deadLetters: DeadLetter[], areMore: boolean, decisions: OpenDecision[], approvals: Approval[], queues: Queue[], nodes: Node[], samples: Sample[], now: number): Todo[] {
  const todos: Todo[] = [];
  for (const group of groupByError(deadLetters).slice(0, 4)) {
    todos.push({
      id: `dead ${group.id}`,
      tone: "bad",
      figure: `${group.items.length}${areMore ? "+" : ""}`,
      title: `${group.workflow} failed with ${group.error}`,
      detail: `${group.state_name ? `in ${group.state_name}, ` : ""}the last one ${relative(group.newest, now)}${group.cause ? `: ${group.cause.slice(0, 140)}` : ""}`,
      href: `/dead-letters?error=${encodeURIComponent(group.error)}&workflow=${encodeURIComponent(group.workflow)}`,
      action: "Look and retry",
    });
  }
  if (decisions.length > 0) {
    const oldest = decisions[decisions.length - 1];
    todos.push({
      id: "decisions",
      tone: "waiting",
      figure: String(decisions.length),
      title: decisions.length === 1 ? "A decision waits for an answer" : "Decisions wait for an answer",
      detail: `${oldest.title ?? oldest.name}, asked ${relative(oldest.since, now)}`,
      href: "/decisions",
      action: "Answer",
    });
  }
  if (approvals.length > 0) {
    const next = approvals.reduce((first, approval) => (approval.expires_at < first.expires_at ? approval : first));
    todos.push({
      id: "approvals",
      tone: "waiting",
      figure: String(approvals.length),
      title: approvals.length === 1 ? "An action waits for a second person" : "Actions wait for a second person",
      detail: `${next.requested_by} asks for ${next.action}, until ${relative(next.expires_at, now)}`,
      href: "/approvals",
      action: "Decide",
    });
  }
  for (const queue of queues) {
    if (queue.paused) {
      todos.push({ id: `paused ${queue.name}`, tone: "paused", figure: count(queue.depth), title: `Queue ${queue.name} is paused`, detail: `since ${queue.paused_at ? relative(queue.paused_at, now) : "a while"}; nothing of it begins`, href: "/queues", action: "Resume" });
    } else if (queue.depth > 0 && (queue.oldest_ready_age_seconds ?? 0) > kLateReadySeconds) {
      todos.push({ id: `late ${queue.name}`, tone: "late", figure: count(queue.depth), title: `Queue ${queue.name} is behind`, detail: `the oldest has been ready for ${duration((queue.oldest_ready_age_seconds ?? 0) * 1000)}`, href: "/queues", action: "See why" });
    }
  }
  for (const sample of samples) {
    if (sample.name === "orchestrator_steps_without_handler" && sample.value > 0) {
      todos.push({ id: `handler ${sample.labels.handler}`, tone: "late", figure: count(sample.value), title: `Nobody performs ${sample.labels.handler}`, detail: "the steps begin when a worker asks for this handler", href: `/runs?state=ready&handler=${encodeURIComponent(sample.labels.handler)}`, action: "See the runs" });
    }
  }
  const stuck = sum(samples, "orchestrator_runs_stuck") + sum(samples, "orchestrator_runs_stuck_at_rest");
  if (stuck > 0) {
    todos.push({ id: "stuck", tone: "bad", figure: count(stuck), title: "Runs without a next event", detail: "a defect; `orchestrator doctor` names them", href: "/nodes", action: "Details" });
  }
  for (const node of nodes) {
    if (Date.parse(node.lease_until) < now) {
      todos.push({ id: `node ${node.node_id}`, tone: "bad", figure: "!", title: `Node ${node.node_id} is gone`, detail: `its lease ended ${relative(node.lease_until, now)}`, href: "/nodes", action: "Details" });
    }
  }
  return todos;
}

function Todos({ todos }: { todos: Todo[] }) {
  if (todos.length === 0) {
    return (
      <p className="all-well">
        <span aria-hidden="true">✓</span> Nothing needs you.
      </p>
    );
  }
  return (
    <ul className="todo">
      {todos.map((todo) => (
        <li key={todo.id} className={`tone-${todo.tone}`}>
          <span className="todo-count">{todo.figure}</span>
          <span>
            {todo.title}
            <small>{todo.detail}</small>
          </span>
          <Link className="button small" href={todo.href}>
            {todo.action}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Figure({ value, name, tone, href }: { value: string; name: string; tone?: string; href?: string }) {
  const inner = (
    <>
      <b>{value}</b>
      <span>{name}</span>
    </>
  );
  const look = `figure${tone ? ` tone-${tone}` : ""}`;
  return href ? (
    <Link className={look} href={href}>
      {inner}
    </Link>
  ) : (
    <div className={look}>{inner}</div>
  );
}

const last = (values: number[]): number => {
  const recent = values.slice(-5);
  return recent.length === 0 ? 0 : recent.reduce((total, value) => total + value, 0) / recent.length;
};

export default function Overview() {
  const now = useNow();
  const metrics = useMetrics();
  const deadLetters = useList<DeadLetter>("/v1/dead-letters", {}, { limit: kGrouped });
  const decisions = useList<OpenDecision>("/v1/decisions", {}, { limit: 100 });
  const approvals = useList<Approval>("/v1/approvals", { state: "waiting" }, { limit: 100 });
  const queues = usePlain<Page<Queue>>("/v1/queues");
  const nodes = usePlain<Page<Node>>("/v1/nodes");
  const recent = useList<Run>("/v1/runs", { state: "failed,timed_out" }, { limit: 8 });
  if (deadLetters.problem) return <ProblemBox problem={deadLetters.problem} />;

  const samples = metrics?.samples ?? [];
  const rates = metrics?.rates ?? { started: [], succeeded: [], failed: [] };
  const todos = todosOf(deadLetters.items, deadLetters.isPartial, decisions.items, approvals.items, queues.data?.items ?? [], nodes.data?.items ?? [], samples, now);
  const open = sum(samples, "orchestrator_runs_open");
  const groups = groupByError(deadLetters.items);
  const most = groups[0]?.items.length ?? 1;
  const oldestReady = Math.max(0, ...(queues.data?.items ?? []).map((queue) => queue.oldest_ready_age_seconds ?? 0));
  const depth = (queues.data?.items ?? []).reduce((total, queue) => total + queue.depth, 0);
  return (
    <div className="stack">
      <header className="screen-head">
        <h1>Overview</h1>
      </header>
      <section className="card" aria-labelledby="todo-title">
        <header>
          <h2 id="todo-title">What needs a person</h2>
        </header>
        {deadLetters.isLoading || queues.isPending ? <Loading rows={2} /> : <Todos todos={todos} />}
      </section>
      <div className="figures">
        <Figure value={rate(last(rates.started))} name="runs started" />
        <Figure value={rate(last(rates.succeeded))} name="succeeded" />
        <Figure value={rate(last(rates.failed))} name="failed" tone={last(rates.failed) > 0 ? "bad" : undefined} />
        <Figure value={count(open)} name="open, in memory" href="/runs?state=ready,running,waiting,paused" />
        <Figure value={count(depth)} name="ready in queues" href="/queues" />
        <Figure value={duration(oldestReady * 1000)} name="oldest ready" tone={oldestReady > kLateReadySeconds ? "late" : undefined} href="/queues" />
        <Figure value={deadLetters.isPartial ? `${deadLetters.items.length}+` : count(deadLetters.items.length)} name="dead letters" tone={deadLetters.items.length > 0 ? "bad" : undefined} href="/dead-letters" />
      </div>
      <div className="columns">
        <section className="card" aria-labelledby="rates-title">
          <header>
            <h2 id="rates-title">Runs per second</h2>
            <span className="muted">this node</span>
          </header>
          <Chart
            label={`Started ${rate(last(rates.started))}, succeeded ${rate(last(rates.succeeded))}, failed ${rate(last(rates.failed))}`}
            span={rates.started.length > 1 ? `last ${duration(rates.started.length * 2000)}` : "gathering…"}
            lines={[
              { name: "started", tone: "busy", values: rates.started },
              { name: "succeeded", tone: "good", values: rates.succeeded },
              { name: "failed", tone: "bad", values: rates.failed },
            ]}
          />
        </section>
        <section className="card" aria-labelledby="errors-title">
          <header>
            <h2 id="errors-title">Failures by error</h2>
            <Link href="/dead-letters">All dead letters</Link>
          </header>
          {groups.length === 0 && <p className="muted">No failed run waits for anybody.</p>}
          <ul className="bars">
            {groups.slice(0, 6).map((group) => (
              <li key={group.id}>
                <Link href={`/dead-letters?error=${encodeURIComponent(group.error)}&workflow=${encodeURIComponent(group.workflow)}`}>
                  {group.error} <span className="muted">{group.workflow}</span>
                </Link>
                <b>{group.items.length}</b>
                <span className="bar">
                  <i style={{ width: `${Math.max(2, (group.items.length / most) * 100)}%` }} />
                </span>
              </li>
            ))}
          </ul>
        </section>
        <section className="card" aria-labelledby="queues-title">
          <header>
            <h2 id="queues-title">Queues</h2>
            <Link href="/queues">Limits and workers</Link>
          </header>
          {queues.data?.items.length === 0 && <p className="muted">No work has come yet.</p>}
          <div className="scroll-x">
          <table className="mini">
            <thead>
              <tr>
                <th>queue</th>
                <th className="right">ready</th>
                <th className="right">oldest</th>
                <th className="right">in hand</th>
                <th className="right">rate</th>
              </tr>
            </thead>
            <tbody>
              {[...(queues.data?.items ?? [])]
                .sort((a, b) => b.depth + b.in_flight - (a.depth + a.in_flight))
                .slice(0, 8)
                .map((queue) => (
                  <tr key={queue.name}>
                    <td>
                      <Link href={`/runs?queue=${encodeURIComponent(queue.name)}`}>{queue.name}</Link>
                    </td>
                    <td className="right">{count(queue.depth)}</td>
                    <td className="right">{queue.depth > 0 ? duration((queue.oldest_ready_age_seconds ?? 0) * 1000) : "–"}</td>
                    <td className="right">{count(queue.in_flight)}</td>
                    <td className="right">{rate(queue.rate_per_second ?? 0)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
          </div>
        </section>
        <section className="card" aria-labelledby="recent-title">
          <header>
            <h2 id="recent-title">Failed lately</h2>
            <Link href="/runs?state=failed,timed_out">All failed runs</Link>
          </header>
          {recent.items.length === 0 && !recent.isLoading && <Empty title="Nothing failed" />}
          <table className="mini">
            <tbody>
              {recent.items.slice(0, 8).map((run) => (
                <tr key={run.run_id}>
                  <td>
                    <Link href={`/runs/${run.run_id}`}>{run.workflow}</Link> <span className="muted">{run.key}</span>
                    <br />
                    <span className="muted">{run.error?.error}</span>
                  </td>
                  <td className="right">
                    <State state={run.state} />
                    <br />
                    <span className="muted">
                      <When at={run.closed_at} />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </div>
  );
}
