// Short words about what was just done, read out by screen readers too.
import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad";
}

const kShownMs = 6000;
let toasts: Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(next: Toast[]): void {
  toasts = next;
  listeners.forEach((listener) => listener());
}

export function say(text: string, tone: "good" | "bad" = "good"): void {
  const toast = { id: ++last, text, tone };
  change([...toasts.slice(-3), toast]);
  setTimeout(() => change(toasts.filter((shown) => shown.id !== toast.id)), kShownMs);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast tone-${toast.tone}`}>
          {toast.text}
        </div>
      ))}
    </div>
  );
}
