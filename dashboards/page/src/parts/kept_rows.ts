// Rows of a table whose list only grows at its end most of the time: those that were there are kept, not made anew.
import { createRow, type Row, type RowData, type RowModel, type Table } from "@tanstack/react-table";

/** To be given to useReactTable as getCoreRowModel. Work is proportional to what is new. */
export function keptRows<T extends RowData>(): (table: Table<T>) => () => RowModel<T> {
  return (table) => {
    let data: readonly T[] = [];
    let rows: Row<T>[] = [];
    // Rows by id are looked up, never listed: one that left may stay.
    const rowsById: Record<string, Row<T>> = {};
    let model: RowModel<T> = { rows, flatRows: rows, rowsById };
    return () => {
      const next = table.options.data as readonly T[];
      if (next === data) return model;
      rows = next.map((item, at) => {
        if (data[at] === item) return rows[at];
        const id = table.options.getRowId ? table.options.getRowId(item, at) : String(at);
        return (rowsById[id] = createRow(table, id, item, at, 0));
      });
      data = next;
      model = { rows, flatRows: rows, rowsById };
      return model;
    };
  };
}
