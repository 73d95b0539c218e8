import type { ReactNode } from "react";

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  /** numbers stand at the right */
  right?: boolean;
}

/** Rows as a table; wide ones scroll by themselves. */
export function Rows<T>({ rows, columns, by, label }: { rows: T[]; columns: Column<T>[]; by: (row: T) => string; label: string }) {
  return (
    // A region that scrolls must be reachable by keyboard.
    <div className="wide" tabIndex={0} role="region" aria-label={label}>
      <table className="rows">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" className={column.right ? "right" : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={by(row)}>
              {columns.map((column) => (
                <td key={column.name} className={column.right ? "right" : undefined} data-name={column.name}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
