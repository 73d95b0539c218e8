import { Loader } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Problem } from "../api/call";
import { ProblemPanel } from "./ProblemPanel";

/** What a query found; while it looks, a sign of it; where it failed, what to do next. Old data stay on the screen. */
export function Asked<T>({ query, children }: { query: UseQueryResult<T, Problem>; children: (found: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <ProblemPanel problem={query.error} again={() => void query.refetch()} />;
  return (
    <div className="waiting">
      <Loader size="sm" aria-label="loading" />
    </div>
  );
}
