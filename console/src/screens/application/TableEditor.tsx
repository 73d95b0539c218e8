import { Button } from "@mantine/core";
import type { Fault } from "./useCheck";

interface Props {
  label: string;
  columns: string[];
  /** what a column's cells are compared with or written as, where it is known */
  types: Record<string, string>;
  rows: string[][];
  faults: Fault[];
  /** numbers, from 1, of rows that no test reached */
  missed: number[];
  onCell: (row: number, column: number, cell: string) => void;
  onAdd: () => void;
  onRemove: (row: number) => void;
}

const NARROWEST = 8;
const WIDEST = 47;

/** A decision table: one field per cell, its faults in it. */
export function TableEditor({ label, columns, types, rows, faults, missed, onCell, onAdd, onRemove }: Props) {
  const widths = columns.map((column, place) => Math.min(WIDEST, Math.max(NARROWEST, column.length, ...rows.map((row) => (row[place] ?? "").length + 1))));
  return (
    <div className="wide">
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">row</th>
            {columns.map((column) => <th key={column} scope="col">{column}{types[column] && <div className="small dim">{types[column]}</div>}</th>)}
            <td />
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            // Rows have no name of their own; their place is what the engine calls them by.
            <tr key={at} className={missed.includes(at + 1) ? "missed" : undefined} title={missed.includes(at + 1) ? "no test reaches this row" : undefined}>
              <th scope="row">{at + 1}</th>
              {columns.map((column, place) => {
                const fault = faults.find((one) => placed(one, at, place, column));
                return (
                  <td key={column}>
                    <input size={widths[place]} aria-label={`${label}, row ${at + 1}, ${column}`} value={row[place] ?? ""} onChange={(event) => onCell(at, place, event.currentTarget.value)} aria-invalid={Boolean(fault)} title={fault?.message ?? row[place]} spellCheck={false} />
                  </td>
                );
              })}
              <td><button type="button" aria-label={`remove row ${at + 1} of ${label}`} onClick={() => onRemove(at)}>×</button></td>
            </tr>
          ))}
        </tbody>
      </table>
      <Button size="compact-xs" variant="subtle" onClick={onAdd}>Add a row</Button>
    </div>
  );
}

function placed(fault: Fault, row: number, column: number, name: string): boolean {
  if (fault.path.includes(`rows[${row}][${column}]`)) return true;
  return fault.message.startsWith(`row ${row + 1}`) && (fault.message.includes(`column ${column + 1}`) || fault.message.includes(name));
}
