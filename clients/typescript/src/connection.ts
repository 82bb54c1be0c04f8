/// HTTP to one server, by fetch.

import type { Call } from './calls.js';
import { ConnectionFailed, Problem } from './errors.js';

/// Where the server is and who calls it. What is not given comes from the environment, by the command line's names.
export interface Address {
  /// Default: ORCHESTRATOR_URL, else http://127.0.0.1:8080.
  url?: string;
  /// Default: ORCHESTRATOR_API_KEY.
  apiKey?: string;
  /// Default: ORCHESTRATOR_NAMESPACE, else the credential's own.
  namespace?: string;
}

/// These happen before a request is sent.
const NOT_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

export class Connection {
  private readonly base: string;
  private readonly headers: Record<string, string>;

  constructor(
    { url, apiKey, namespace }: Address,
    private readonly timeoutSeconds: number,
  ) {
    const target = new URL(url ?? process.env['ORCHESTRATOR_URL'] ?? 'http://127.0.0.1:8080');
    if (!['http:', 'https:'].includes(target.protocol)) throw new TypeError(`not a server's URL: ${target.href}`);
    this.base = target.href.replace(/\/+$/, '');
    const key = apiKey ?? process.env['ORCHESTRATOR_API_KEY'];
    const name = namespace ?? process.env['ORCHESTRATOR_NAMESPACE'];
    this.headers = {
      Accept: 'application/json, application/problem+json',
      ...(key && { Authorization: `Bearer ${key}` }),
      ...(name && { 'Orchestrator-Namespace': name }),
    };
  }

  /// The answer's document. Throws Problem and ConnectionFailed; `signal` gives the call up.
  async send(call: Call, options: { signal?: AbortSignal; timeoutSeconds?: number } = {}): Promise<any> {
    const timeout = (options.timeoutSeconds ?? this.timeoutSeconds) + (call.patienceSeconds ?? 0);
    const ending = new AbortController();
    const giveUp = () => ending.abort();
    const timer = setTimeout(giveUp, timeout * 1000);
    options.signal?.addEventListener('abort', giveUp);
    if (options.signal?.aborted) giveUp();
    try {
      const response = await fetch(this.base + call.path, {
        method: call.method,
        headers: {
          ...this.headers,
          ...call.headers,
          ...(call.body !== undefined && { 'Content-Type': 'application/json' }),
        },
        signal: ending.signal,
        // An API does not redirect; a credential must not follow one.
        redirect: 'error',
        ...(call.body !== undefined && { body: call.body }),
      });
      return read(response.status, await response.text(), response.headers.get('Retry-After'));
    } catch (error) {
      if (error instanceof Problem) throw error;
      const cause = error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : undefined;
      const sent = !NOT_SENT.includes(cause?.code ?? '');
      const why = cause?.message || cause?.code || (error instanceof Error ? error.message : String(error));
      throw new ConnectionFailed(`${this.base}: ${why}`, sent, { cause: error });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', giveUp);
    }
  }
}

function read(status: number, text: string, retryAfter: string | null): unknown {
  let document: unknown = null;
  let isJson = true;
  try {
    document = text ? JSON.parse(text) : null;
  } catch {
    isJson = false;
  }
  if (status >= 200 && status < 300 && isJson) return document;
  const members = document !== null && typeof document === 'object' ? (document as Record<string, unknown>) : undefined;
  const pause = retryAfter === null ? NaN : Number(retryAfter);
  throw new Problem(status, members ?? { detail: text.slice(0, 200) }, Number.isNaN(pause) ? undefined : pause);
}
