// Server state, all of it: every question is a query named by its action and its input.
import { QueryClient, type UseQueryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ActionName, type Answer, type Given, type ListAction, type Page, Problem, type Schemas, call, page, request } from "./call";
import { isComputed, useEvery } from "./live";
import { noteSession } from "./session";

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        // A refusal will be refused again; who cannot be reached may be there in a moment.
        retry: (times, error) => times < 2 && error instanceof Problem && (error.status === 503 || error.status === 0),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}

type Options<A extends ActionName> = Omit<UseQueryOptions<Answer<A>, Problem>, "queryKey" | "queryFn">;

export function useAsk<A extends ActionName>(action: A, given: Given<A>, options: Options<A> = {}) {
  const every = useEvery(action, options.refetchInterval) as Options<A>["refetchInterval"];
  return useQuery<Answer<A>, Problem>({
    queryKey: [action, given],
    queryFn: ({ signal }) => call(action, given, signal),
    ...options,
    ...(every === undefined ? {} : { refetchInterval: every }),
  });
}

/** One page of a list. What was there stays on the screen until the next page has come. */
export function useList<A extends ListAction>(action: A, given: Given<A>, wished: number | false) {
  const every = useEvery(action, wished) as number | false;
  return useQuery<Page<Answer<A>>, Problem>({
    queryKey: [action, "page", given],
    queryFn: ({ signal }) => page(action, given, signal),
    placeholderData: (before) => before,
    refetchInterval: every,
  });
}

/** Do something that may change anything: whatever is on the screen is asked for again afterwards. `etag` is the state it was decided on. */
export function useDo<A extends ActionName>(action: A, etag?: string, meta?: Record<string, unknown>) {
  const client = useQueryClient();
  return useMutation<Answer<A>, Problem, Given<A>>({
    mutationFn: (given) => call(action, given, undefined, etag),
    ...(meta ? { meta } : {}),
    onSettled: () => client.invalidateQueries({ predicate: ({ queryKey }) => !isComputed(queryKey[0]) }),
  });
}

/** Who is asking, and the beat by which a page knows whether what it shows is still true. */
export function useSession() {
  return useQuery<Schemas["SessionAnswer"], Problem>({ queryKey: SESSION, queryFn: ({ signal }) => current(signal), refetchInterval: 5_000, retry: false });
}

const SESSION = ["session"];

/** A control that hangs is as good as none: so long the beat waits for its answer. */
const PATIENCE_MS = 6_000;

async function current(signal: AbortSignal): Promise<Schemas["SessionAnswer"]> {
  const answer = (await request("GET", "/api/v1/sessions/current", undefined, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]))) as Schemas["SessionAnswer"];
  noteSession(answer);
  return answer;
}

/** Sign in; nothing that somebody else was shown before stays. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation<Schemas["SessionAnswer"], Problem, SignIn>({
    mutationFn: async (given) => (await request("POST", "/api/v1/sessions", given)) as Schemas["SessionAnswer"],
    onSuccess: (answer) => {
      noteSession(answer);
      client.clear();
      client.setQueryData(SESSION, answer);
      void client.invalidateQueries();
    },
  });
}

export type SignIn = { user: string; password: string } | { token: string };

export function useSignOut() {
  const client = useQueryClient();
  return useMutation<unknown, Problem>({
    mutationFn: () => request("DELETE", "/api/v1/sessions/current"),
    onSuccess: () => client.resetQueries(),
  });
}

/** Whether the one who asks may do this; actions and permissions have the same names. */
export function useMay(): (action: ActionName | "applications:decide" | "decisions:personal") => boolean {
  const permissions = useSession().data?.actions ?? [];
  return (action) => permissions.includes(action);
}
