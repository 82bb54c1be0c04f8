// Addresses of the page: the browser's own history, one table of screens, filters in the query.
import { useCallback, useMemo, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

const listeners = new Set<() => void>();
const tell = (): void => listeners.forEach((listener) => listener());
window.addEventListener("popstate", tell);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function go(to: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  tell();
}

/** Path without a slash at its end. */
export function usePath(): string {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}

/** The filters of a screen, and how to change them. An empty value takes a filter out. */
export function useFilters(): [URLSearchParams, (changes: Record<string, string | null>, how?: "push" | "replace") => void] {
  const text = useSyncExternalStore(subscribe, () => location.search);
  const filters = useMemo(() => new URLSearchParams(text), [text]);
  const change = useCallback((changes: Record<string, string | null>, how: "push" | "replace" = "push") => {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") next.delete(name);
      else next.set(name, value);
    }
    const query = next.toString();
    go(location.pathname + (query === "" ? "" : `?${query}`), how);
  }, []);
  return [filters, change];
}

/** "/runs/{id}" against "/runs/17" is {id: "17"}; null when it does not fit. */
export function fits(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const parameters: Record<string, string> = {};
  for (let i = 0; i < wanted.length; ++i) {
    if (wanted[i].startsWith("{")) {
      try {
        parameters[wanted[i].slice(1, -1)] = decodeURIComponent(given[i]);
      } catch {
        return null;
      }
    } else if (wanted[i] !== given[i]) {
      return null;
    }
  }
  return parameters;
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(href);
    window.scrollTo(0, 0);
  };
  return <a href={href} onClick={follow} {...rest} />;
}

/** The list of runs with these filters. */
export function runsAddress(filter: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) query.set(name, Array.isArray(value) ? value.join(",") : String(value));
  return `/runs?${query.toString()}`;
}

export const runAddress = (id: string): string => `/runs/${id}`;
