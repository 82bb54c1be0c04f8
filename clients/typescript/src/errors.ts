/// What a call may throw.

/// The base of everything that this package throws for a call.
export class OrchestratorError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/// One fault of a refused body: where it is (a JSON pointer), a stable code, and a sentence.
export interface Fault {
  pointer: string;
  code: string;
  message: string;
}

/// The server answered with a problem document (RFC 9457). `members` is all of it, for members of the one problem such
/// as `run_id` of a key conflict; `slug` is the last part of `type` and never changes.
export class Problem extends OrchestratorError {
  readonly type: string;
  readonly slug: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly Fault[];

  constructor(
    readonly status: number,
    readonly members: Readonly<Record<string, unknown>>,
    readonly retryAfterSeconds?: number,
  ) {
    const type = String(members['type'] ?? 'about:blank');
    const slug = type.slice(type.lastIndexOf('/') + 1);
    const title = String(members['title'] ?? `HTTP ${status}`);
    const detail = String(members['detail'] ?? '');
    const errors = Array.isArray(members['errors']) ? (members['errors'] as Fault[]) : [];
    const faults = errors.map(({ pointer, message }) => `; ${pointer}: ${message}`).join('');
    super(`${status} ${slug}: ${detail || title}${faults}`);
    this.type = type;
    this.slug = slug;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
  }

  /// Whether the same call may succeed later, without anybody's doing.
  get isPassing(): boolean {
    if (this.slug === 'missing-secret') return false;
    return [429, 502, 503, 504].includes(this.status) || this.slug === 'idempotency-in-flight';
  }
}

/// No answer came. `sent` tells whether the server may have seen the request: if it is false, nothing happened.
export class ConnectionFailed extends OrchestratorError {
  constructor(
    message: string,
    readonly sent: boolean,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/// The run was still open when the caller's patience ended. It goes on.
export class WaitTimedOut extends OrchestratorError {}
