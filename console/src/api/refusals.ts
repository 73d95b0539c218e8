// What the gateways turned away before anything was decided: it stands in no log, only in their own counters.
import { useQuery } from "@tanstack/react-query";
import { BASE, Problem } from "./call";
import { csrfToken } from "./session";

const LINE = /^tenure_refused_total\{.*code="([^"]+)"\} (\d+)/;

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
