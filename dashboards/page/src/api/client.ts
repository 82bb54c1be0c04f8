// One door to the server: the same origin, the session's cookie, problems as values with names.
import { heardFrom, lostSight } from "./connection";

/** A member of `errors[]` of a refused body. */
export interface Fault {
  pointer: string;
  code: string;
  message: string;
}

/** What the server (RFC 9457) or the network said instead of an answer. `slug` is stable; `detail` is for people. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string,
    readonly detail: string,
    readonly faults: Fault[] = [],
    readonly members: Record<string, unknown> = {},
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface CallOptions {
  query?: Query;
  body?: unknown;
  /** Repeats of a creating call with the same key do nothing twice. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

const kNamespaceItem = "orchestrator.namespace";

/** The namespace that calls name; null: the credential's own. */
export function chosenNamespace(): string | null {
  return localStorage.getItem(kNamespaceItem);
}

export function chooseNamespace(name: string | null): void {
  if (name === null) localStorage.removeItem(kNamespaceItem);
  else localStorage.setItem(kNamespaceItem, name);
}

export function addressOf(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const type = typeof body.type === "string" ? body.type : "";
    return new Problem(
      response.status,
      type.split("/").pop() ?? "",
      String(body.detail ?? body.title ?? response.statusText),
      Array.isArray(body.errors) ? (body.errors as Fault[]) : [],
      body,
    );
  } catch {
    return new Problem(response.status, "", response.statusText || `status ${response.status}`);
  }
}

/** Told when the server does not know the session (any more). */
let onSignedOut: () => void = () => {};
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

export async function send(method: string, path: string, options: CallOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  const namespace = chosenNamespace();
  if (namespace !== null) headers["Orchestrator-Namespace"] = namespace;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotencyKey !== undefined) headers["Idempotency-Key"] = options.idempotencyKey;
  let response: Response;
  try {
    response = await fetch(addressOf(path, options.query), {
      method,
      headers,
      credentials: "same-origin",
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    lostSight();
    throw new Problem(0, "no-answer", "The server does not answer.");
  }
  if (response.status === 502 || response.status === 503 || response.status === 504) lostSight();
  else heardFrom();
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && path !== "/v1/session") onSignedOut();
  throw problem;
}

/** A rule of the namespace asks for a second person: nothing has happened yet. */
export class NeedsApproval extends Error {
  constructor(readonly approvalId: string) {
    super("This waits for a second person, under Approvals.");
    this.name = "NeedsApproval";
  }
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  const answer = (await response.json()) as T;
  if (response.status === 202 && method !== "GET") {
    const { approval_id, state } = answer as { approval_id?: string; state?: string };
    if (approval_id !== undefined && state === "waiting") throw new NeedsApproval(approval_id);
  }
  return answer;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  call<T>("GET", path, { query, signal });
