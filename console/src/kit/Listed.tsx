import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import type { Answer, Given, ListAction } from "../api/call";
import { useList } from "../api/queries";
import { Asked } from "./Asked";
import { Empty } from "./Panel";
import { usePlace } from "./place";

const PAGE = 50;

interface Props<A extends ListAction> {
  action: A;
  given: Omit<Given<A>, "limit" | "cursor">;
  /** said where there is no row */
  empty: ReactNode;
  /** the cursor's name in the address, where a screen has several lists */
  cursor?: string;
  /** whether new rows should show by themselves */
  every?: number;
  children: (rows: Answer<A>) => ReactNode;
}

/** A list as the server gives it, a page at a time; the page stands in the address. */
export function Listed<A extends ListAction>({ action, given, empty, cursor = "cursor", every = 15_000, children }: Props<A>) {
  const [search, go] = usePlace();
  const at = search[cursor] ?? "";
  const found = useList(action, { ...given, limit: PAGE, cursor: at } as unknown as Given<A>, at ? false : every);
  return (
    <Asked query={found}>
      {({ rows, next }) => (
        <>
          {(rows as unknown[]).length ? children(rows) : <Empty>{empty}</Empty>}
          <Pager first={at === ""} next={next} go={(to) => go({ [cursor]: to })} />
        </>
      )}
    </Asked>
  );
}

/** The way on through a list, and back to its beginning. */
export function Pager({ first, next, go }: { first: boolean; next: string; go: (cursor: string | undefined) => void }) {
  if (first && !next) return null;
  return (
    <div className="pager">
      <Button size="xs" variant="default" disabled={first} onClick={() => go(undefined)}>First page</Button>
      <Button size="xs" variant="default" disabled={!next} onClick={() => go(next)}>Next page</Button>
    </div>
  );
}
