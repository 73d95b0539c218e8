import { useNavigate, useSearch } from "@tanstack/react-router";

export type Search = Record<string, string | undefined>;

/** What stands in the address behind the path, and the way to another state of the same screen. */
export function usePlace(): [Search, (change: Search) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  return [search, (change) => void navigate({ to: ".", search: { ...search, ...change } as never })];
}
