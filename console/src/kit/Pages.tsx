import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";

const PAGE = 50;

/** Rows that came whole, a screenful at a time, so that a long life does not make a slow page. */
export function Pages<T>({ rows, children }: { rows: T[]; children: (page: T[]) => ReactNode }) {
  const [page, setPage] = useState(0);
  const last = Math.max(0, Math.ceil(rows.length / PAGE) - 1);
  const at = Math.min(page, last);
  return (
    <>
      {children(rows.slice(at * PAGE, (at + 1) * PAGE))}
      {last > 0 && (
        <div className="pager">
          <Button size="xs" variant="default" disabled={at === 0} onClick={() => setPage(at - 1)}>Back</Button>
          <span className="dim small">{at * PAGE + 1} to {Math.min(rows.length, (at + 1) * PAGE)} of {rows.length}</span>
          <Button size="xs" variant="default" disabled={at === last} onClick={() => setPage(at + 1)}>On</Button>
        </div>
      )}
    </>
  );
}
