// Rows of any number: only those in sight are drawn. Keyboard: arrows or j and k, Enter opens, x or Space selects.
import { useReactTable, type ColumnDef, type RowSelectionState } from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import type { List } from "../api/queries";
import { go } from "../router";
import { keptRows } from "./kept_rows";
import { Empty, Loading, ProblemBox } from "./notices";

export interface Column<T> {
  id: string;
  header: string;
  cell: (item: T) => ReactNode;
  /** A track of the CSS grid, as "minmax(8rem, 1fr)". */
  width: string;
  /** Left out on narrow screens. */
  wide?: boolean;
  align?: "right";
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  list: Pick<List<T>, "items" | "isLoading" | "problem" | "hasMore" | "isLoadingMore" | "loadMore">;
  idOf: (item: T) => string;
  /** Where Enter and a click on the row lead. */
  hrefOf?: (item: T) => string;
  empty: ReactNode;
  selection?: { chosen: RowSelectionState; onChange: (chosen: RowSelectionState) => void };
}

const kRowPixels = 41;
/** Rows before the end at which the next page is asked for. */
const kAhead = 20;

export function Table<T>({ label, columns, list, idOf, hrefOf, empty, selection }: TableProps<T>) {
  const definitions: ColumnDef<T>[] = columns.map((column) => ({ id: column.id, header: column.header }));
  const coreRows = useMemo(() => keptRows<T>(), []);
  const table = useReactTable<T>({
    data: list.items,
    columns: definitions,
    getRowId: idOf,
    getCoreRowModel: coreRows,
    enableRowSelection: selection !== undefined,
    state: { rowSelection: selection?.chosen ?? {} },
    onRowSelectionChange: (update) =>
      selection?.onChange(typeof update === "function" ? update(selection.chosen) : update),
  });
  const rows = table.getRowModel().rows;
  const frame = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [current, setCurrent] = useState(0);
  useLayoutEffect(() => setMargin(frame.current?.offsetTop ?? 0), [list.isLoading, rows.length === 0]);

  // Another function would have every row measured anew.
  const keyOf = useCallback((index: number) => rows[index].id, [rows]);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => kRowPixels,
    overscan: 12,
    scrollMargin: margin,
    getItemKey: keyOf,
  });
  const shown = virtual.getVirtualItems();
  const lastShown = shown.length === 0 ? 0 : shown[shown.length - 1].index;
  useEffect(() => {
    if (list.hasMore && !list.isLoadingMore && lastShown >= rows.length - kAhead) list.loadMore();
  }, [lastShown, rows.length, list.hasMore, list.isLoadingMore]);

  if (list.problem) return <ProblemBox problem={list.problem} />;
  if (list.isLoading) return <Loading />;
  // A page may come back empty and still have a next one: the server looks at so many rows for one.
  if (rows.length === 0 && list.hasMore) return <Loading words="Looking further back…" />;
  if (rows.length === 0) return <>{typeof empty === "string" ? <Empty title={empty} /> : empty}</>;

  const moveTo = (index: number): void => {
    const next = Math.min(Math.max(index, 0), rows.length - 1);
    setCurrent(next);
    virtual.scrollToIndex(next, { align: "auto" });
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
  };
  const onKey = (event: KeyboardEvent, index: number): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "j") moveTo(index + 1);
    else if (event.key === "ArrowUp" || event.key === "k") moveTo(index - 1);
    else if (event.key === "Home") moveTo(0);
    else if (event.key === "End") moveTo(rows.length - 1);
    else if (event.key === "Enter" && hrefOf) go(hrefOf(rows[index].original));
    else if ((event.key === "x" || event.key === " ") && selection) rows[index].toggleSelected();
    else return;
    event.preventDefault();
  };
  const tracks = (selection ? "2.2rem " : "") + columns.map((column) => column.width).join(" ");
  const narrowTracks =
    (selection ? "2.2rem " : "") + columns.filter((column) => !column.wide).map((column) => column.width).join(" ");
  const style = { "--tracks": tracks, "--narrow-tracks": narrowTracks } as React.CSSProperties;
  return (
    <div className="table" role="table" aria-label={label} aria-rowcount={list.hasMore ? -1 : rows.length + 1} style={style}>
      <div role="rowgroup">
        <div className="table-row table-head" role="row" aria-rowindex={1}>
          {selection && (
            <span role="columnheader" className="table-cell">
              <input
                type="checkbox"
                aria-label="Select all rows that are loaded"
                checked={table.getIsAllRowsSelected()}
                ref={(box) => {
                  if (box) box.indeterminate = table.getIsSomeRowsSelected() && !table.getIsAllRowsSelected();
                }}
                onChange={(event) => table.toggleAllRowsSelected(event.target.checked)}
              />
            </span>
          )}
          {columns.map((column) => (
            <span key={column.id} role="columnheader" className={cellClass(column)}>
              {column.header}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={frame} className="table-body" style={{ height: virtual.getTotalSize() }}>
        {shown.map((place) => {
          const row = rows[place.index];
          const href = hrefOf?.(row.original);
          return (
            <div
              key={row.id}
              role="row"
              aria-rowindex={place.index + 2}
              data-index={place.index}
              ref={virtual.measureElement}
              className={`table-row${row.getIsSelected() ? " chosen" : ""}${href ? " leads" : ""}`}
              style={{ transform: `translateY(${place.start - margin}px)` }}
              tabIndex={place.index === Math.min(current, rows.length - 1) ? 0 : -1}
              onFocus={(event) => {
                if (event.target === event.currentTarget) setCurrent(place.index);
              }}
              onKeyDown={(event) => onKey(event, place.index)}
              onClick={(event) => {
                const target = event.target as HTMLElement;
                if (href && !target.closest("a, button, input, label") && getSelection()?.isCollapsed !== false) go(href);
              }}
            >
              {selection && (
                <span role="cell" className="table-cell">
                  <input
                    type="checkbox"
                    tabIndex={-1}
                    aria-label={`Select row ${place.index + 1}`}
                    checked={row.getIsSelected()}
                    onChange={row.getToggleSelectedHandler()}
                  />
                </span>
              )}
              {columns.map((column) => (
                <span key={column.id} role="cell" className={cellClass(column)}>
                  {column.cell(row.original)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
      {list.isLoadingMore && <p className="muted table-more">Loading more…</p>}
    </div>
  );
}

const cellClass = <T,>(column: Column<T>): string =>
  `table-cell${column.wide ? " wide-only" : ""}${column.align === "right" ? " right" : ""}`;
