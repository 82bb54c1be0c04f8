// A new schedule: a rule, what it starts, and when it would fire next, asked of the server while the rule is typed.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call, type Problem } from "../api/client";
import type { Page, PlannedSlot, WorkflowItem } from "../api/model";
import { usePlain } from "../api/queries";
import { go } from "../router";
import { Act } from "./act";
import { JsonField, readJson } from "./json_field";
import { Notice, ProblemBox } from "./notices";

const kPreviewed = 5;
/** After the last key stroke, before the server is asked. */
const kTypingMs = 300;

interface Draft {
  name: string;
  kind: "cron" | "every_seconds";
  cron: string;
  every: string;
  zone: string;
  workflow: string;
  input: string;
  overlap: string;
  missed: string;
}

const empty = (): Draft => ({
  name: "",
  kind: "cron",
  cron: "0 3 * * *",
  every: "3600",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  workflow: "",
  input: "{}",
  overlap: "skip",
  missed: "latest",
});

function bodyOf(draft: Draft): Record<string, unknown> {
  const rule = draft.kind === "cron" ? { cron: draft.cron.trim() } : { every_seconds: Number(draft.every) };
  return { name: draft.name.trim(), ...rule, time_zone: draft.zone.trim(), workflow: draft.workflow, input: readJson(draft.input).value ?? {}, overlap: draft.overlap, missed: draft.missed };
}

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), kTypingMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** What does not change when a rule fires has a stand-in, so that the rule can be tried before the rest is filled in. */
function NextFires({ draft }: { draft: Draft }) {
  const rule = useSettled(JSON.stringify(bodyOf({ ...draft, name: "draft", workflow: "draft", input: "{}" })));
  const fires = useQuery<Page<PlannedSlot>, Problem>({
    queryKey: ["next fires", rule],
    queryFn: () => call<Page<PlannedSlot>>("POST", "/v1/schedules/preview", { query: { count: kPreviewed }, body: JSON.parse(rule) as unknown }),
    retry: false,
    placeholderData: (before) => before,
  });
  if (fires.error) return <ProblemBox problem={fires.error} />;
  if (!fires.data) return <p className="muted">Asking when it fires…</p>;
  return (
    <Notice tone="quiet">
      {fires.data.items.length === 0 ? (
        "It never fires."
      ) : (
        <>
          Fires next, {draft.zone}:
          <ol aria-label="Next fires">
            {fires.data.items.map((slot) => (
              <li key={slot.slot}>
                <time dateTime={slot.fire_at}>{slot.local.slice(0, 19).replace("T", " ")}</time> <span className="muted">{slot.local.slice(19)}</span>
              </li>
            ))}
          </ol>
        </>
      )}
    </Notice>
  );
}

function Choice({ label, value, options, onChange }: { label: string; value: string; options: [string, string][]; onChange: (value: string) => void }) {
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([word, says]) => (
          <option key={word} value={word}>
            {says}
          </option>
        ))}
      </select>
    </label>
  );
}

export function NewSchedule() {
  const [draft, setDraft] = useState(empty);
  const workflows = usePlain<Page<WorkflowItem>>("/v1/workflows", undefined, { live: false });
  const set = (change: Partial<Draft>): void => setDraft({ ...draft, ...change });
  return (
    <Act
      label="New schedule"
      title="New schedule"
      confirm="Create the schedule"
      tone="primary"
      wide
      isReady={readJson(draft.input).problem === undefined}
      run={async ({ key }) => {
        await call("POST", "/v1/schedules", { body: bodyOf(draft), idempotencyKey: key });
        go(`/schedules/${encodeURIComponent(draft.name.trim())}`);
        return `${draft.name.trim()} is set`;
      }}
    >
      <div className="columns">
        <label className="field">
          <span>Name</span>
          <input type="text" required maxLength={128} pattern="[A-Za-z0-9._:\-]+" title="Letters, digits and . _ : -" value={draft.name} onChange={(event) => set({ name: event.target.value })} />
        </label>
        <label className="field">
          <span>Starts</span>
          <select required value={draft.workflow} onChange={(event) => set({ workflow: event.target.value })}>
            <option value="">choose a definition…</option>
            {workflows.data?.items.map((item) => <option key={item.workflow}>{item.workflow}</option>)}
          </select>
        </label>
        <Choice label="Rule" value={draft.kind} options={[["cron", "by the calendar (cron)"], ["every_seconds", "every so many seconds"]]} onChange={(kind) => set({ kind: kind as Draft["kind"] })} />
        {draft.kind === "cron" ? (
          <label className="field">
            <span>Cron: minute, hour, day, month, weekday</span>
            <input type="text" className="mono" required value={draft.cron} onChange={(event) => set({ cron: event.target.value })} />
          </label>
        ) : (
          <label className="field">
            <span>Seconds</span>
            <input type="number" min={1} required value={draft.every} onChange={(event) => set({ every: event.target.value })} />
          </label>
        )}
        <label className="field">
          <span>Time zone</span>
          <input type="text" required value={draft.zone} onChange={(event) => set({ zone: event.target.value })} />
        </label>
        <Choice label="While the last run is open" value={draft.overlap} options={[["skip", "skip the slot"], ["queue", "wait for its end"], ["cancel", "cancel it"], ["parallel", "run beside it"]]} onChange={(overlap) => set({ overlap })} />
        <Choice label="Slots missed while nothing ran" value={draft.missed} options={[["skip", "skip them"], ["latest", "start the latest"], ["all", "start all, up to a limit"]]} onChange={(missed) => set({ missed })} />
      </div>
      <NextFires draft={draft} />
      <JsonField label="Input" text={draft.input} onChange={(input) => set({ input })} rows={4} />
    </Act>
  );
}
