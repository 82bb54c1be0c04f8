// What an operator does to one run.
import { useState } from "react";
import { call } from "../api/client";
import { isClosed, type Graph, type HistoryEvent, type Json, type Run, type WaitingOn } from "../api/model";
import { usePlain } from "../api/queries";
import { relative } from "../format";
import { useMay } from "../session";
import { Act } from "./act";
import { JsonField, readJson, writeJson } from "./json_field";
import { Notice } from "./notices";
import { SchemaForm } from "./schema_form";

const address = (run: Run, verb: string): string => `/v1/runs/${run.run_id}/${verb}`;
const orUndefined = (text: string): string | undefined => (text === "" ? undefined : text);

interface CancelReceipt {
  state: string;
  will?: string;
  steps?: WaitingOn[];
  children?: WaitingOn[];
  compensations?: Json[];
}

function receiptInWords(receipt: CancelReceipt): string {
  const parts: string[] = [];
  if (receipt.steps?.length) parts.push(`${receipt.steps.length} at work may finish`);
  if (receipt.children?.length) parts.push(`${receipt.children.length} children are cancelled too`);
  if (receipt.compensations?.length) parts.push(`${receipt.compensations.length} steps will be undone`);
  return `${receipt.will ?? `The run is ${receipt.state}`}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}

const modes = [
  { mode: "graceful", name: "Graceful", does: "Ends a wait at once; a handler that is at work may finish." },
  { mode: "compensate", name: "Compensate", does: "Undoes finished steps in reverse order, as the definition says." },
  { mode: "kill", name: "Kill", does: "Ends it now. Nothing is finished and nothing undone." },
] as const;

export function CancelRun({ run }: { run: Run }) {
  const [mode, setMode] = useState<(typeof modes)[number]["mode"]>("graceful");
  return (
    <Act
      label="Cancel"
      title={`Cancel ${run.workflow}?`}
      confirm="Cancel the run"
      tone="danger"
      reason={mode === "kill" ? "required" : "optional"}
      run={async ({ reason, key }) => {
        const receipt = await call<CancelReceipt>("POST", address(run, "cancel"), { body: { mode, reason: orUndefined(reason) }, idempotencyKey: key });
        return receiptInWords(receipt);
      }}
    >
      <fieldset className="choices">
        <legend className="hint muted">How</legend>
        {modes.map((choice) => (
          <label key={choice.mode}>
            <input type="radio" name="mode" checked={mode === choice.mode} onChange={() => setMode(choice.mode)} />
            <span>{choice.name}</span>
            <small>{choice.does}</small>
          </label>
        ))}
      </fieldset>
    </Act>
  );
}

/** The state that failed, as the history tells. */
function lastFailed(history: HistoryEvent[]): HistoryEvent | undefined {
  return [...history].reverse().find((event) => (event.type === "TaskFailed" || event.type === "TaskTimedOut" || event.type.endsWith("StateFailed")) && event.state_name);
}

/** What went into a state when it was entered last. */
function inputOf(history: HistoryEvent[], state: string): Json | undefined {
  return [...history].reverse().find((event) => event.state_name === state && event.type.endsWith("StateEntered"))?.input;
}

export function RetryRun({ run, history, graph }: { run: Run; history: HistoryEvent[]; graph: Graph | undefined }) {
  const failed = lastFailed(history)?.state_name ?? "";
  const [from, setFrom] = useState<string | null>(null);
  const [edited, setEdited] = useState<string | null>(null);
  const [isFresh, setFresh] = useState(false);
  const visited = [...new Set(history.filter((event) => event.type.endsWith("StateEntered") && (event.scope ?? 0) === 0).map((event) => event.state_name))];
  const outer = new Set(graph?.nodes.filter((node) => node.parent === null).map((node) => node.name));
  const states = visited.filter((name): name is string => name !== undefined && (outer.size === 0 || outer.has(name)));
  const target = from ?? failed;
  const before = writeJson(run.kind === "job" ? run.input : (inputOf(history, target) ?? run.input));
  const text = edited ?? before;
  const isEdited = edited !== null && edited !== before;
  const read = readJson(text);
  return (
    <Act
      label="Retry"
      title={`Retry ${run.workflow}`}
      confirm={isEdited ? "Retry with this input" : "Retry"}
      tone="primary"
      wide
      reason="optional"
      isReady={!isEdited || (read.problem === undefined && read.value !== undefined)}
      run={async ({ reason, key }) => {
        const body = {
          from_state: from !== null && from !== failed ? from : undefined,
          input: isEdited ? read.value : undefined,
          new_idempotency_key: isFresh ? true : undefined,
          reason: orUndefined(reason),
        };
        const done = await call<{ state: string }>("POST", address(run, "retry"), { body, idempotencyKey: key });
        return `Retried; the run is ${done.state}`;
      }}
    >
      <p className="muted">Results of earlier states stay as they are. Retry counters begin anew.</p>
      {run.kind === "workflow" && states.length > 1 && (
        <label className="field">
          <span>From state</span>
          <select
            value={target}
            onChange={(event) => {
              setFrom(event.target.value);
              setEdited(null);
            }}
          >
            {!states.includes(target) && <option value={target}>{target || "where it failed"}</option>}
            {states.map((name) => (
              <option key={name} value={name}>
                {name === failed ? `${name} (failed here)` : name}
              </option>
            ))}
          </select>
        </label>
      )}
      <JsonField label={target ? `Input of ${target}` : "Input"} text={text} before={before} onChange={setEdited} rows={9} hint="Change it to retry with another input." />
      <label>
        <input type="checkbox" checked={isFresh} onChange={(event) => setFresh(event.target.checked)} /> A new idempotency key: an outside system that acted
        the first time may act again
      </label>
    </Act>
  );
}

export function PauseRun({ run }: { run: Run }) {
  return run.state === "paused" ? (
    <Act label="Resume" title={`Resume ${run.workflow}?`} tone="primary" reason="optional" run={async ({ reason, key }) => `Resumed; the run is ${(await call<{ state: string }>("POST", address(run, "resume"), { body: { reason: orUndefined(reason) }, idempotencyKey: key })).state}`}>
      <p className="muted">What fell due while it was paused happens now.</p>
    </Act>
  ) : (
    <Act label="Pause" title={`Pause ${run.workflow}?`} confirm="Pause the run" reason="optional" run={async ({ reason, key }) => `The run is ${(await call<{ state: string }>("POST", address(run, "pause"), { body: { reason: orUndefined(reason) }, idempotencyKey: key })).state}`}>
      <p className="muted">Nothing new begins. Timers and signals wait for its end, time-outs go on counting.</p>
    </Act>
  );
}

export function SkipStep({ run, wait }: { run: Run; wait: WaitingOn }) {
  const [text, setText] = useState("null");
  const read = readJson(text);
  return (
    <Act
      label="Skip"
      title={`Skip ${wait.state_name ?? "the step"}?`}
      confirm="Skip the step"
      tone="danger"
      reason="required"
      isReady={read.problem === undefined && read.value !== undefined}
      run={async ({ reason, key }) => `Skipped; the run is ${(await call<{ state: string }>("POST", address(run, "skip"), { body: { output: read.value, state_name: wait.state_name ?? undefined, reason }, idempotencyKey: key })).state}`}
    >
      <p className="muted">The run goes on as if the step had answered this.</p>
      <JsonField label="Its result" text={text} onChange={setText} rows={5} />
    </Act>
  );
}

/** Retry-now and reschedule: both move what waits for its moment. */
export function MoveTimer({ run, until }: { run: Run; until: string }) {
  const [at, setAt] = useState("");
  return (
    <>
      <Act label="Now" size="small" title="Do it now?" confirm="Now" reason="required" run={async ({ reason, key }) => `Moved; the run is ${(await call<{ state: string }>("POST", address(run, "edit"), { body: { set: { run_at: new Date().toISOString() }, reason }, idempotencyKey: key })).state}`}>
        <p className="muted">It was due {relative(until, Date.now())}.</p>
      </Act>
      <Act label="Reschedule" size="small" title="Another moment" confirm="Reschedule" reason="required" isReady={at !== ""} run={async ({ reason, key }) => `Moved; the run is ${(await call<{ state: string }>("POST", address(run, "edit"), { body: { set: { run_at: new Date(at).toISOString() }, reason }, idempotencyKey: key })).state}`}>
        <label className="field">
          <span>When (your time zone)</span>
          <input type="datetime-local" step={1} value={at} onChange={(event) => setAt(event.target.value)} required />
        </label>
      </Act>
    </>
  );
}

export function EditRun({ run }: { run: Run }) {
  const before = writeJson({ priority: run.priority });
  const [text, setText] = useState(before);
  const read = readJson(text);
  return (
    <Act
      label="Edit"
      title={`Edit ${run.workflow}`}
      confirm="Change it"
      reason="required"
      wide
      isReady={read.problem === undefined && text !== before}
      run={async ({ reason, key }) => `Changed; the run is ${(await call<{ state: string }>("POST", address(run, "edit"), { body: { set: read.value, reason }, idempotencyKey: key })).state}`}
    >
      <p className="muted">
        <code>priority</code>, <code>run_at</code>, <code>attributes</code>, <code>timeout_seconds</code>, <code>variables</code>: what is named is replaced.
      </p>
      <JsonField label="Set" text={text} before={before} onChange={setText} rows={6} />
    </Act>
  );
}

export function SendSignal({ run, names, label = "Send signal", schema, title }: { run: Run; names: string[]; label?: string; schema?: Json; title?: string }) {
  const [name, setName] = useState(names[0] ?? "");
  const [text, setText] = useState(schema ? "{}" : "null");
  const read = readJson(text);
  return (
    <Act
      label={label}
      title={title ?? `Send a signal to ${run.workflow}`}
      confirm={schema !== undefined ? "Answer" : "Send"}
      tone="primary"
      size="small"
      isReady={name !== "" && read.problem === undefined}
      run={async ({ key }) => {
        const sent = await call<{ fate: string }>("POST", address(run, `signals/${encodeURIComponent(name)}`), { body: read.value ?? null, idempotencyKey: key });
        return `${name}: ${sent.fate}`;
      }}
    >
      {names.length > 1 ? (
        <label className="field">
          <span>Signal</span>
          <select value={name} onChange={(event) => setName(event.target.value)}>
            {names.map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
          </select>
        </label>
      ) : names.length === 0 ? (
        <label className="field">
          <span>Signal</span>
          <input type="text" value={name} required onChange={(event) => setName(event.target.value)} />
        </label>
      ) : (
        <p>
          <code>{name}</code>
        </p>
      )}
      <SchemaForm schema={schema} text={text} onChange={setText} label="Payload" />
    </Act>
  );
}

/** The schema of a decision stands in the definition's parameters; the list of open decisions has it resolved. */
export function AnswerDecision({ run, wait }: { run: Run; wait: WaitingOn }) {
  const open = usePlain<{ items: { run_id: string; state_name: string; name: string; schema: Json; title: string | null }[] }>("/v1/decisions", { workflow: run.workflow, limit: 200 });
  const decision = open.data?.items.find((item) => item.run_id === run.run_id && item.state_name === wait.state_name);
  const names = decision ? [decision.name] : (wait.names ?? []);
  return <SendSignal key={decision?.name ?? "?"} run={run} names={names} label="Answer" schema={decision?.schema ?? undefined} title={decision?.title ?? wait.title ?? "Answer"} />;
}

export function RunActions({ run, history, graph }: { run: Run; history: HistoryEvent[]; graph: Graph | undefined }) {
  const may = useMay("operator");
  if (!may) return null;
  if (isClosed(run.state)) {
    if (run.state === "succeeded") return null;
    return (
      <div className="actions">
        <RetryRun run={run} history={history} graph={graph} />
        {run.dead_letter === "open" && (
          <Act
            label="Discard"
            title={`Give ${run.workflow} up?`}
            confirm="Discard"
            tone="danger"
            reason="required"
            run={async ({ reason, key }) => {
              await call("POST", `/v1/dead-letters/${run.run_id}/discard`, { body: { reason }, idempotencyKey: key });
              return "Discarded: it stays failed and leaves the dead letters";
            }}
          >
            <Notice tone="waiting">It stays failed and nobody is asked about it any more. A retry can still revive it.</Notice>
          </Act>
        )}
      </div>
    );
  }
  return (
    <div className="actions">
      <PauseRun run={run} />
      <EditRun run={run} />
      <CancelRun run={run} />
    </div>
  );
}
