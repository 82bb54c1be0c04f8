// What there is to say instead of a list: loading, nothing, a problem.
import type { ReactNode } from "react";
import type { Problem } from "../api/client";

export function Loading({ rows = 5, words }: { rows?: number; words?: string }) {
  return (
    <div className="loading" role="status" aria-label={words ?? "Loading"}>
      {words && <p className="muted">{words}</p>}
      {Array.from({ length: rows }, (_, i) => (
        <div className="bone" key={i} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <p className="muted">{children}</p>}
    </div>
  );
}

export function ProblemBox({ problem, onRetry }: { problem: Problem | Error; onRetry?: () => void }) {
  const known = "slug" in problem ? problem : null;
  return (
    <div className="problem" role="alert">
      <p>
        <strong>{known?.status === 403 ? "Not allowed" : known?.status === 404 ? "Not found" : "That did not work"}</strong>
        {": "}
        {problem.message}
      </p>
      {known && known.faults.length > 0 && (
        <ul>
          {known.faults.map((fault) => (
            <li key={fault.pointer + fault.code}>
              <code>{fault.pointer || "/"}</code> {fault.message}
            </li>
          ))}
        </ul>
      )}
      {onRetry && (
        <button className="button small" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Notice({ tone, children }: { tone: "bad" | "waiting" | "paused" | "quiet" | "good"; children: ReactNode }) {
  return <div className={`notice tone-${tone}`}>{children}</div>;
}
