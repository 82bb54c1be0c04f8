// Failed runs that wait for somebody, one heap per cause: mend the cause once, then retry the heap.
import { useEffect, useState } from "react";
import type { Query } from "../api/client";
import type { DeadLetter } from "../api/model";
import { useList } from "../api/queries";
import { groupByError, type DeadLetterGroup } from "../dead_letter_groups";
import { count } from "../format";
import { OperationDialog, type BulkAction } from "../parts/bulk";
import { Empty, Loading, Notice, ProblemBox } from "../parts/notices";
import { Word } from "../parts/state";
import { When } from "../parts/when";
import { Link, useFilters } from "../router";
import { May } from "../session";

/** Rows of one page, and how many are read by themselves to form the heaps; beyond that a heap says "at least". */
const kRead = 500;
const kReadAlone = 2000;
const kShownRuns = 8;

function GroupActions({ group, total }: { group: DeadLetterGroup; total: string }) {
  const [action, setAction] = useState<BulkAction | null>(null);
  const filter: Query = { state: "failed", workflow: group.workflow, error: group.error, dead_letter: "open" };
  return (
    <May role="operator">
      <div className="actions">
        <button type="button" className="button primary" onClick={() => setAction("retry")}>
          Retry all {total}
        </button>
        <button type="button" className="button danger" onClick={() => setAction("discard")}>
          Discard all
        </button>
      </div>
      {action && <OperationDialog action={action} filter={filter} onClose={() => setAction(null)} />}
    </May>
  );
}

function Group({ group, isPartial }: { group: DeadLetterGroup; isPartial: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const total = `${count(group.items.length)}${isPartial ? "+" : ""}`;
  const shown = isOpen ? group.items : group.items.slice(0, kShownRuns);
  return (
    <section className="heap" aria-label={`${group.error} in ${group.workflow}`}>
      <div className="heap-head">
        <div>
          <h2>
            {group.error} <span className="times">{total}</span>
          </h2>
          <p>
            {group.kind === "job" ? <code>{group.workflow}</code> : <Link href={`/workflows/${group.workflow}`}>{group.workflow}</Link>}
            {group.state_name && <span className="muted"> in {group.state_name}</span>}
            <span className="muted">
              {" "}
              · last <When at={group.newest} />, first <When at={group.oldest} />
            </span>{" "}
            {Object.entries(group.reasons).map(([reason, number]) => (
              <span key={reason}>
                <Word word={reason} tone={reason === "poison" ? "bad" : "quiet"} /> {Object.keys(group.reasons).length > 1 && number}{" "}
              </span>
            ))}
          </p>
          {group.cause && <p className="cause">{group.cause}</p>}
        </div>
        <GroupActions group={group} total={total} />
      </div>
      <div className="heap-body">
        <table className="mini">
          <tbody>
            {shown.map((item) => (
              <tr key={item.run_id}>
                <td className="key">
                  <Link href={`/runs/${item.run_id}`}>{item.key ?? item.run_id}</Link>
                </td>
                <td className="wide-only muted">{item.error?.cause === group.cause ? "the same cause" : item.error?.cause?.slice(0, 140)}</td>
                <td className="right">
                  <span className="muted">
                    {item.attempts} {item.attempts === 1 ? "attempt" : "attempts"}, <When at={item.failed_at} />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {group.items.length > kShownRuns && (
          <button type="button" className="button quiet small" onClick={() => setOpen(!isOpen)}>
            {isOpen ? "Fewer" : `${count(group.items.length - kShownRuns)} more`}
          </button>
        )}
      </div>
    </section>
  );
}

export default function DeadLetters() {
  const [filters, change] = useFilters();
  const query: Query = {};
  for (const name of ["error", "workflow", "reason", "queue", "handler"]) if (filters.get(name)) query[name] = filters.get(name);
  const list = useList<DeadLetter>("/v1/dead-letters", query, { limit: kRead, livePages: kReadAlone / kRead });
  useEffect(() => {
    if (list.isPartial && !list.isLoadingMore && list.items.length < kReadAlone) list.loadMore();
  }, [list.isPartial, list.isLoadingMore, list.items.length]);
  const groups = groupByError(list.items);
  const isFiltered = Object.keys(query).length > 0;
  return (
    <div className="stack">
      <header className="screen-head">
        <div>
          <h1>Dead letters</h1>
          <p className="lead">Failed runs that nobody has dealt with, by cause. A retry keeps the results of the steps that succeeded.</p>
        </div>
      </header>
      <div className="filters">
        <select aria-label="Reason" value={filters.get("reason") ?? ""} onChange={(event) => change({ reason: event.target.value })}>
          <option value="">every reason</option>
          {["exhausted", "permanent", "poison", "rejected"].map((reason) => (
            <option key={reason}>{reason}</option>
          ))}
        </select>
        {Object.entries(query)
          .filter(([name]) => name !== "reason")
          .map(([name, value]) => (
            <span className="chip-set" key={name}>
              {name}: {String(value)}
              <button type="button" aria-label={`Remove the filter ${name}`} onClick={() => change({ [name]: null })}>
                ✕
              </button>
            </span>
          ))}
        <span className="muted" aria-live="polite">
          {count(list.items.length)}
          {list.isPartial && "+"} {list.items.length === 1 ? "run" : "runs"} in {groups.length} {groups.length === 1 ? "group" : "groups"}
        </span>
      </div>
      {list.problem && <ProblemBox problem={list.problem} />}
      {list.isLoading && <Loading />}
      {list.isPartial && list.items.length >= kReadAlone && (
        <Notice tone="waiting">
          These are the newest {count(list.items.length)}.{" "}
          <button type="button" className="button small" onClick={list.loadMore} disabled={list.isLoadingMore}>
            Read more
          </button>
        </Notice>
      )}
      {!list.isLoading && !list.problem && groups.length === 0 && (
        <Empty title={isFiltered ? "Nothing fits" : "No dead letters"}>{isFiltered ? "Take a filter away." : "Every failed run has been dealt with."}</Empty>
      )}
      {groups.map((group) => (
        <Group key={group.id} group={group} isPartial={list.isPartial} />
      ))}
    </div>
  );
}
