// Who looks at the page, and what that credential may do.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useState, type FormEvent, type ReactNode } from "react";
import { call, chooseNamespace, chosenNamespace, get, Problem } from "./api/client";
import type { Role, Session } from "./api/model";
import { Mark } from "./parts/mark";

const order: Role[] = ["viewer", "operator", "developer", "admin"];

const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("used outside of a session");
  return session;
}

/** What the credential may not do is absent from the page; the server refuses it all the same. */
export const useMay = (role: Role): boolean => order.indexOf(useSession().role) >= order.indexOf(role);

export function May({ role, children }: { role: Role; children: ReactNode }) {
  return useMay(role) ? <>{children}</> : null;
}

function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      chooseNamespace(null);
      await call("POST", "/v1/session", { body: { key: key.trim() } });
      setKey("");
      onSignedIn();
    } catch (error) {
      const refused = error instanceof Problem ? error : null;
      setProblem(refused?.status === 401 ? "This key is unknown, expired or revoked." : (refused?.detail ?? "That did not work."));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit} aria-labelledby="sign-in-title">
        <Mark size={44} />
        <h1 id="sign-in-title">Sign in</h1>
        <p className="muted">With an API key. The browser keeps a session that scripts cannot read; the key itself is not kept.</p>
        <label htmlFor="key">API key</label>
        <input
          id="key"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          autoFocus
          required
          value={key}
          onChange={(event) => setKey(event.target.value)}
          aria-invalid={problem !== null}
          aria-describedby={problem ? "key-problem" : "key-hint"}
        />
        {problem && (
          <p id="key-problem" className="problem-text" role="alert">
            {problem}
          </p>
        )}
        <button className="button primary" disabled={isBusy || key.trim() === ""}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
        <p id="key-hint" className="hint muted">
          <code>orchestrator dev</code> prints a key when it starts; otherwise ask whoever runs this server.
        </p>
      </form>
    </main>
  );
}

export function SignedIn({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const session = useQuery<Session | null, Problem>({
    queryKey: ["/v1/session"],
    queryFn: async ({ signal }) => {
      try {
        return await get<Session>("/v1/session", undefined, signal);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.status === 401) return null;
        // The namespace chosen last time may belong to another key.
        if (error.status === 403 && chosenNamespace() !== null) {
          chooseNamespace(null);
          return await get<Session>("/v1/session", undefined, signal);
        }
        throw error;
      }
    },
    staleTime: Infinity,
    retry: (_count, problem) => problem.isPassing,
    retryDelay: 1000,
  });
  if (session.isPending) {
    return (
      <main className="sign-in" aria-busy="true">
        <p className="muted">{session.failureCount > 0 ? "The server does not answer. Trying again…" : "Loading…"}</p>
      </main>
    );
  }
  if (!session.data) {
    return (
      <SignIn
        onSignedIn={() => {
          client.removeQueries({ predicate: (query) => query.queryKey[0] !== "/v1/session" });
          void client.invalidateQueries({ queryKey: ["/v1/session"] });
        }}
      />
    );
  }
  return <SessionContext.Provider value={session.data}>{children}</SessionContext.Provider>;
}

export async function signOut(): Promise<void> {
  await call("DELETE", "/v1/session").catch(() => undefined);
  chooseNamespace(null);
  location.assign("/");
}
