// JSON that somebody edits: it says where it is wrong, and what was changed.
import { useMemo } from "react";
import type { Json } from "../api/model";
import { Diff } from "./diff";

/** The value behind the text; `problem` when it is none. An empty text is undefined. */
export function readJson(text: string): { value?: Json; problem?: string } {
  if (text.trim() === "") return {};
  try {
    return { value: JSON.parse(text) as Json };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

export const writeJson = (value: Json | undefined): string => (value === undefined ? "" : JSON.stringify(value, null, 2));

export function JsonField({ label, text, onChange, before, rows = 8, hint }: { label: string; text: string; onChange: (text: string) => void; before?: string; rows?: number; hint?: string }) {
  const read = useMemo(() => readJson(text), [text]);
  const isChanged = before !== undefined && before !== text && !read.problem;
  return (
    <div className="field">
      <label className="field">
        <span>{label}</span>
        <textarea
          className="code"
          rows={rows}
          spellCheck={false}
          value={text}
          aria-invalid={read.problem !== undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      </label>
      {hint && <p className="hint muted">{hint}</p>}
      {read.problem && <p className="problem-text">Not JSON: {read.problem}</p>}
      {isChanged && (
        <details open>
          <summary>What changes</summary>
          <Diff before={before} after={text} />
        </details>
      )}
    </div>
  );
}
