// The nouns as the OpenAPI document describes them (schema.ts is generated from it: npm run schema), with JSON values as values.
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Members that the document leaves open are JSON. */
type WithJson<T> = { [M in keyof T]: unknown extends T[M] ? Json : T[M] };

export const runStates = ["ready", "running", "waiting", "paused", "succeeded", "failed", "cancelled", "timed_out"] as const satisfies readonly Schemas["RunState"][];
export type RunState = Schemas["RunState"];

export const isClosed = (state: RunState): boolean =>
  state === "succeeded" || state === "failed" || state === "cancelled" || state === "timed_out";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type Session = Schemas["Session"];
export type Role = Session["role"];
export type WaitingOn = Omit<Schemas["WaitingOn"], "title" | "schema"> & { title?: string | null; schema?: Json };
export type RunItem = Omit<Schemas["RunItem"], "waiting_on" | "attributes"> & { waiting_on: WaitingOn[]; attributes: Record<string, Json> };
export type Run = RunItem & { input?: Json; output?: Json; as_of?: string };
export type FailedAttempt = Schemas["FailedAttempt"];
export type DeadLetter = RunItem & Pick<Schemas["DeadLetter"], "reason" | "worker" | "failed_attempts"> & { failed_at: string };
export type GraphNode = Schemas["GraphNode"];
export type GraphEdge = WithJson<Schemas["GraphEdge"]>;
export type Graph = Omit<Schemas["Graph"], "edges"> & { edges: GraphEdge[] };
export type WorkflowItem = Schemas["WorkflowPage"]["items"][number];
export type Definition = Omit<Schemas["Workflow"], "definition"> & { definition: { [member: string]: Json } };
export type Rate = Schemas["RateLimit"];
export type QueueLimits = Schemas["QueueLimits"];
export type Queue = Schemas["Queue"];
export type Schedule = Schemas["ScheduleItem"] & { input?: Json };
export type Slot = Schemas["Fire"];
export type PlannedSlot = Schemas["SchedulePreview"]["items"][number];
export type Signal = WithJson<Schemas["Signal"]>;
export type Delivery = Omit<Schemas["WebhookDelivery"], "headers"> & { headers: { [name: string]: Json } | null };
export type Endpoint = Schemas["WebhookEndpoint"];
export type OpenDecision = WithJson<Schemas["OpenDecision"]>;
export type Node = Schemas["Node"];

/** The document leaves members of single types open; these are the ones that the page shows by name. */
export interface HistoryEvent {
  seq: number;
  previous_seq: number | null;
  at: string;
  type: string;
  scope?: number;
  state_name?: string;
  attempt?: number;
  input?: Json;
  output?: Json;
  error?: string;
  cause?: string;
  handler?: string;
  queue?: string;
  resource?: string;
  idempotency_key?: string;
  retry_at?: string;
  until?: string;
  next?: string;
  worker?: string;
  run_id?: string;
  index?: number;
  parent?: number;
  names?: string[];
  key?: string;
  reason?: string;
  actor?: string;
  mode?: string;
  from_state?: string;
  [member: string]: Json | undefined;
}

export interface Operation {
  operation_id: string | null;
  action?: string;
  arguments?: Record<string, Json>;
  filter?: Record<string, Json>;
  reason?: string;
  actor?: string;
  rate_per_second?: number;
  state?: "running" | "done" | "stopped";
  matched: number;
  done?: number;
  failed?: number;
  failures?: { run_id: string; code: string; message: string }[];
  created_at?: string;
  ended_at?: string | null;
  stopped_by?: string | null;
}

/** A request that waits for a second person. */
export interface Approval {
  approval_id: string;
  state: "waiting" | "approved" | "done" | "rejected" | "expired";
  action: string;
  target: string;
  reason: string | null;
  requested_by: string;
  requested_at?: string;
  created_at?: string;
  expires_at: string;
  approver_role?: Role;
  decided_by?: string | null;
}

export interface AuditItem {
  chain: number;
  seq: number;
  at: string;
  actor: string;
  role: string;
  action: string;
  target: string;
  reason: string | null;
  before_hash: string | null;
  after_hash: string | null;
  previous_hash: string;
  hash: string;
}
