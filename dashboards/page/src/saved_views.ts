// Filters somebody gave a name, kept in this browser. A view is an address, so it can also be sent to others.
import { useState } from "react";

export interface SavedView {
  name: string;
  query: string;
}

const kItem = "orchestrator.views";
const kMaxViews = 30;

function read(): SavedView[] {
  try {
    const kept = JSON.parse(localStorage.getItem(kItem) ?? "[]") as SavedView[];
    return Array.isArray(kept) ? kept.filter((view) => typeof view.name === "string" && typeof view.query === "string") : [];
  } catch {
    return [];
  }
}

export function useSavedViews(): { views: SavedView[]; save: (view: SavedView) => void; forget: (name: string) => void } {
  const [views, setViews] = useState(read);
  const keep = (next: SavedView[]): void => {
    localStorage.setItem(kItem, JSON.stringify(next));
    setViews(next);
  };
  return {
    views,
    save: (view) => keep([...views.filter((kept) => kept.name !== view.name), view].slice(-kMaxViews)),
    forget: (name) => keep(views.filter((kept) => kept.name !== name)),
  };
}
