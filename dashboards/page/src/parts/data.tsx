// JSON as people read it: folded where it is long, coloured, copied with one button.
import { useMemo, useState, type ReactNode } from "react";
import type { Json } from "../api/model";
import { say } from "./toast";

/** Levels that are open at first, and members of one level that are shown at first. */
const kOpenDepth = 2;
const kShownMembers = 100;

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("The browser does not let the page copy", "bad");
    }
  };
  return (
    <button type="button" className="button quiet small" onClick={copy} aria-label={label}>
      Copy
    </button>
  );
}

function Scalar({ value }: { value: null | boolean | number | string }) {
  if (value === null) return <span className="json-null">null</span>;
  if (typeof value === "string") return <span className="json-text">{JSON.stringify(value)}</span>;
  return <span className="json-number">{String(value)}</span>;
}

function Tree({ name, value, depth }: { name?: string; value: Json; depth: number }) {
  const isMany = value !== null && typeof value === "object";
  const [isOpen, setOpen] = useState(depth < kOpenDepth);
  const [shown, setShown] = useState(kShownMembers);
  const label: ReactNode = name === undefined ? null : <span className="json-name">{name}: </span>;
  if (!isMany) {
    return (
      <div className="json-line">
        {label}
        <Scalar value={value} />
      </div>
    );
  }
  const entries: [string, Json][] = Array.isArray(value) ? value.map((item, i) => [String(i), item]) : Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0) {
    return (
      <div className="json-line">
        {label}
        <span className="json-null">{Array.isArray(value) ? "[]" : "{}"}</span>
      </div>
    );
  }
  return (
    <div className="json-many">
      <button type="button" className="json-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span className="fold-mark" aria-hidden="true">
          {isOpen ? "▾" : "▸"}
        </span>
        {label}
        <span className="json-null">{size}</span>
      </button>
      {isOpen && (
        <div className="json-inner">
          {entries.slice(0, shown).map(([key, item]) => (
            <Tree key={key} name={key} value={item} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className="button quiet small" onClick={() => setShown(shown + 1000)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

export function Data({ value, title }: { value: Json | undefined; title?: string }) {
  const text = useMemo(() => JSON.stringify(value ?? null, null, 2), [value]);
  if (value === undefined) return <span className="muted">nothing</span>;
  return (
    <div className="json">
      <div className="json-head">
        {title && <span className="json-title">{title}</span>}
        <Copy text={text} label={`Copy ${title ?? "as JSON"}`} />
      </div>
      <div className="json-body">
        <Tree value={value} depth={0} />
      </div>
    </div>
  );
}

/** One line of JSON for a table's cell. */
export function Glance({ value, most = 120 }: { value: Json | undefined; most?: number }) {
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(value);
  return <code className="glance">{text.length > most ? `${text.slice(0, most)}…` : text}</code>;
}
