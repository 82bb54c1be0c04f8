// The nouns as the HTTP API writes them. Names and letters are the contract's.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export const runStates = ["ready", "running", "waiting", "paused", "succeeded", "failed", "cancelled", "timed_out"] as const;
export type RunState = (typeof runStates)[number];

export const isClosed = (state: RunState): boolean =>
  state === "succeeded" || state === "failed" || state === "cancelled" || state === "timed_out";

export type Role = "viewer" | "operator" | "developer" | "admin";

export interface Session {
  actor: string;
  role: Role;
  namespace: string;
  /** Null: every namespace. */
  namespaces: string[] | null;
  expires_at: string | null;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface WaitingOn {
  kind: "step" | "signal" | "timer" | "retry" | "child" | "limit" | "worker" | "queue_paused" | "paused" | "decision";
  state_name?: string | null;
  since?: string | null;
  until?: string | null;
  names?: string[];
  name?: string;
  key?: string | null;
  run_id?: string | null;
  queue?: string;
  handler?: string;
  limit?: string;
  attempt?: number;
  worker?: string | null;
  title?: string | null;
}

export interface Run {
  run_id: string;
  kind: "workflow" | "job";
  workflow: string;
  version: number;
  key: string | null;
  state: RunState;
  waiting_on: WaitingOn[];
  input?: Json;
  output?: Json;
  error: { error: string | null; cause: string | null } | null;
  attributes: Record<string, Json>;
  priority: number;
  attempts: number;
  parent_run_id: string | null;
  predecessor_run_id: string | null;
  successor_run_id: string | null;
  traceparent: string | null;
  created_at: string;
  run_at: string | null;
  timeout_seconds: number | null;
  started_at: string | null;
  closed_at: string | null;
  wake_at: string | null;
  dead_letter: "open" | "discarded" | null;
  discarded: { reason: string; actor: string; at: string } | null;
  handler?: string;
  queue?: string;
  max_attempts?: number;
  as_of?: string;
}

export interface FailedAttempt {
  outcome: string;
  state_name: string | null;
  worker: string | null;
  started_at: string | null;
  ended_at: string | null;
  error: string | null;
  cause: string | null;
}

export interface DeadLetter extends Run {
  reason: "exhausted" | "permanent" | "poison" | "rejected";
  failed_at: string;
  worker: string | null;
  failed_attempts: FailedAttempt[];
}

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

export interface GraphNode {
  id: string;
  name: string;
  type: string;
  resource: string | null;
  comment: string | null;
  parent: string | null;
  branch: number | null;
  start: boolean;
  end: boolean;
}

export interface GraphEdge {
  from: string;
  to: string;
  kind: "next" | "choice" | "default" | "catch";
  label: Json;
}

export interface Graph {
  workflow: string;
  version: number;
  start: string | null;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface WorkflowItem {
  workflow: string;
  versions: number[];
}

export interface Definition {
  workflow: string;
  version: number;
  checksum: string;
  created_at: string;
  definition: { [member: string]: Json };
  versions: number[];
}

export interface Rate {
  count: number;
  per_seconds: number;
}

export interface QueueLimits {
  max_in_flight?: number | null;
  concurrency_per_key?: number | null;
  rate_per_key?: Rate | null;
  rate?: Rate | null;
  weight?: number | null;
}

export interface Queue {
  name: string;
  depth: number;
  in_flight: number;
  oldest_ready_age_seconds: number;
  rate_per_second: number;
  paused: boolean;
  paused_at: string | null;
  workers: { worker_id: string; in_flight: number }[];
  limits: QueueLimits;
}

export interface Schedule {
  schedule_id: string;
  name: string;
  cron: string | null;
  every_seconds: number | null;
  at: string[] | null;
  time_zone: string;
  gap: string;
  fold: string;
  calendar: Json;
  jitter_seconds: number;
  overlap: string;
  missed: string;
  missed_max: number;
  workflow: string | null;
  handler: string | null;
  version: number | null;
  input?: Json;
  paused: boolean;
  paused_at: string | null;
  next_fire_at: string | null;
  last_run_id: string | null;
  created_at: string;
  updated_at: string;
}

export interface Slot {
  slot: string;
  origin: string;
  fire_at: string | null;
  decided_at: string | null;
  outcome: "started" | "skipped" | "missed" | "queued" | "cancelled";
  reason: string | null;
  run_id: string | null;
  last_slot?: string;
  slots?: number;
}

export interface PlannedSlot {
  fire_at: string;
  local: string;
  slot: string;
}

export interface Signal {
  signal_id: string;
  id: string;
  name: string;
  key: string | null;
  payload: Json;
  fate: "delivered" | "buffered" | "started" | "duplicate" | "consumed" | "expired" | "unmatched" | "rejected";
  reason: string | null;
  run_id: string | null;
  state_name: string | null;
  received_at: string;
  settled_at: string | null;
  expires_at: string | null;
}

export interface Delivery {
  delivery_id: string;
  endpoint: string;
  provider: string;
  received_at: string;
  verdict: "accepted" | "duplicate" | "poison";
  reason: string | null;
  dedupe_key: string | null;
  duplicates: number;
  altered_duplicates: number;
  last_duplicate_at: string | null;
  replays: number;
  signal_id: string | null;
  signal_count: number;
  fate: string | null;
  headers: Record<string, string> | null;
  body_bytes: number;
  body_base64: string | null;
}

export interface Endpoint {
  name: string;
  provider: string;
  url: string;
  secrets: string[];
  signal: { name: string; key: string };
  start: { workflow: string; input?: Json } | null;
  options: Record<string, Json>;
  created_at: string;
  updated_at: string;
}

export interface OpenDecision {
  run_id: string;
  workflow: string;
  version: number;
  key: string | null;
  state_name: string;
  name: string;
  names: string[];
  signal_key: string | null;
  title: string | null;
  schema: Json;
  roles: string[];
  since: string;
  until: string | null;
}

export interface Node {
  node_id: string;
  url: string;
  shards: number[];
  lease_until: string;
}

export interface Operation {
  operation_id: string | null;
  state?: "running" | "done" | "stopped";
  action?: string;
  filter?: Record<string, Json>;
  reason?: string;
  actor?: string;
  rate_per_second?: number;
  matched: number;
  done?: number;
  failed?: number;
  sample?: Json[];
  created_at?: string;
  finished_at?: string | null;
  [member: string]: Json | undefined;
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
