import { useNow } from "../clock";
import { duration, exact, moment, relative } from "../format";

/** A moment, relative to now; its exact time is its title. */
export function When({ at, none = "–" }: { at: string | null | undefined; none?: string }) {
  const now = useNow();
  if (!at) return <span className="muted">{none}</span>;
  return (
    <time dateTime={at} title={exact(at)}>
      {relative(at, now)}
    </time>
  );
}

export function Moment({ at, none = "–" }: { at: string | null | undefined; none?: string }) {
  if (!at) return <span className="muted">{none}</span>;
  return (
    <time dateTime={at} title={exact(at)}>
      {moment(at)}
    </time>
  );
}

/** From one moment to another, or until now. */
export function Lasted({ from, to }: { from: string | null | undefined; to?: string | null }) {
  const now = useNow();
  if (!from) return <span className="muted">–</span>;
  return <span>{duration((to ? Date.parse(to) : now) - Date.parse(from))}</span>;
}
