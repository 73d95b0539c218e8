import type { ReactNode } from "react";
import { number } from "../../kit/show";
import { TableEditor } from "./TableEditor";
import { type Rule, csv, csvText } from "./definition";
import type { Fault } from "./useCheck";

/** One rule with its condition or its table, what it does and how often it did it. */
export function RuleEditor({ rule, faults, fired, tested, hasModel, children }: { rule: Rule; faults: Fault[]; fired: number | undefined; tested: string | undefined; hasModel: boolean; children: ReactNode }) {
  return (
    <div className="rule-editor" data-broken={faults.length > 0}>
      <div className="row">
        <strong>{rule.id}</strong>
        {hasModel && <span className="dim small">{rule.before ? "before the model" : "after the model"}</span>}
        <span className="dim small push">{fired !== undefined && (fired ? `fired ${number(fired)} times` : "not fired in this span")}{tested && ` · ${tested}`}</span>
      </div>
      {rule.does && <div className="small">{rule.does}</div>}
      {children}
      {rule.table && faults.map((fault) => <div key={fault.message} className="bad small">{fault.message}</div>)}
    </div>
  );
}

/** A table that stands in a CSV file of its own. */
export function FileTable({ rule, types, text, faults, missed, onChange }: { rule: Rule; types: Record<string, string>; text: string; faults: Fault[]; missed: number[]; onChange: (text: string) => void }) {
  const { cells, separator } = csv(text);
  const [columns = [], ...rows] = cells;
  const next = (changed: string[][]) => onChange(csvText([columns, ...changed], separator));
  return (
    <TableEditor
      label={`${rule.id}, ${rule.file}`}
      columns={columns}
      types={types}
      rows={rows}
      faults={faults}
      missed={missed}
      onCell={(row, column, cell) => next(rows.map((one, at) => (at === row ? one.map((old, place) => (place === column ? cell : old)) : one)))}
      onAdd={() => next([...rows, columns.map(() => "-")])}
      onRemove={(row) => next(rows.filter((_, at) => at !== row))}
    />
  );
}
