// What the gateways turned away before anything was decided: it stands in no log, only in their own counters.
import { useQueries, useQuery } from "@tanstack/react-query";
import { BASE, Problem, request } from "./call";
import { csrfToken } from "./session";

const LINE = /^tenure_refused_total\{.*code="([^"]+)"\} (\d+)/;

/** What a problem is, whatever its facts: the places of facts stand in braces. */
export interface Described {
  code: string;
  title: string;
  message: string;
  next_step: string;
}

/** What each of these codes means and what to do about it, as the API describes its own problems. */
export function useDescribed(codes: string[]) {
  return useQueries({
    queries: codes.map((code) => ({ queryKey: ["problem", code], queryFn: async () => (await request("GET", `/problems/${code}`)) as Described, staleTime: Number.POSITIVE_INFINITY, retry: false })),
    combine: (asked) => new Map(asked.flatMap(({ data }) => (data ? [[data.code, data] as const] : []))),
  });
}

/** How many requests were refused since the gateways started, by the code of the problem; most frequent first. */
export function useRefusals(enabled: boolean) {
  return useQuery<[string, number][], Problem>({ queryKey: ["refusals"], queryFn: ({ signal }) => refusals(signal), refetchInterval: 10_000, retry: false, enabled });
}

async function refusals(signal: AbortSignal): Promise<[string, number][]> {
  const answer = await fetch(`${BASE}metrics`, { headers: { "X-CSRF-Token": csrfToken() }, credentials: "same-origin", redirect: "error", signal });
  if (!answer.ok) throw new Problem(answer.status, "", "The gateways' counters cannot be read", `HTTP ${answer.status}`, "");
  const found = new Map<string, number>();
  for (const line of (await answer.text()).split("\n")) {
    const [, code, count] = LINE.exec(line) ?? [];
    if (code) found.set(code, (found.get(code) ?? 0) + Number(count));
  }
  return [...found].sort((one, other) => other[1] - one[1]);
}
