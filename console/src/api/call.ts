// One way to ask the API: by the name of an action, with its input as one object, typed by the OpenAPI document.
import { ACTIONS } from "./actions.gen";
import type { components, operations } from "./schema.gen";
import { csrfToken } from "./session";

export type ActionName = keyof operations & keyof typeof ACTIONS;

/** An answer as it is sent: whatever has a default stands there too. */
type Whole<T> = T extends (infer U)[] ? Whole<U>[] : T extends object ? { [K in keyof T]-?: Whole<T[K]> } : T;
export type Schemas = { [K in keyof components["schemas"]]: Whole<components["schemas"][K]> };

type PathOf<O> = O extends { parameters: { path: infer P } } ? P : unknown;
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? (Q extends object ? Q : unknown) : unknown;
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? (B extends Record<string, never> ? unknown : B) : unknown;
export type Given<A extends ActionName> = PathOf<operations[A]> & QueryOf<operations[A]> & BodyOf<operations[A]>;
export type Answer<A extends ActionName> = operations[A] extends {
  responses: { 200: { content: { "application/json": infer R } } };
}
  ? Whole<R>
  : never;

/** Where the installation begins, whatever prefix it stands under; ends with a slash. */
export const BASE = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");

/** An RFC 9457 problem: what is wrong and what to do next. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    detail: string,
    readonly nextStep: string,
    readonly facts: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

/** A request as it would be sent, for sending and for being copied. */
export interface Sent {
  verb: string;
  path: string;
  query: string;
  body: Record<string, unknown> | undefined;
  /** whether it is a change of what is configured, which names the state that it was decided on */
  match?: boolean;
}

export function sent(action: ActionName, given: object): Sent {
  const [verb, template, match] = ACTIONS[action];
  const rest = new Map(Object.entries(given).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest.get(name);
    rest.delete(name);
    return encodeURIComponent(String(value));
  });
  if (verb === "GET" || verb === "DELETE") {
    const query = new URLSearchParams([...rest].map(([name, value]) => [name, String(value)])).toString();
    return { verb, path, query: query ? `?${query}` : "", body: undefined };
  }
  return { verb, path, query: "", body: Object.fromEntries(rest), match };
}

/** Ask for an action; `etag` is the state that a change of what is configured was decided on (If-Match), as its list told it. */
export async function call<A extends ActionName>(action: A, given: Given<A>, signal?: AbortSignal, etag?: string): Promise<Answer<A>> {
  const { verb, path, query, body } = sent(action, given as object);
  return (await request(verb, path + query, body, signal, etag)) as Answer<A>;
}

/** A page of a list; `next` is the cursor of the page after it, empty on the last. */
export interface Page<R> {
  rows: R;
  next: string;
}

/** The actions whose answer is a list, which the server gives a page at a time. */
export type ListAction = { [A in ActionName]: Answer<A> extends unknown[] ? A : never }[ActionName];

export async function page<A extends ListAction>(action: A, given: Given<A>, signal?: AbortSignal): Promise<Page<Answer<A>>> {
  const { verb, path, query } = sent(action, given as object);
  const { content, headers } = await answered(verb, path + query, undefined, signal);
  const [, next = ""] = /[?&]cursor=([^&>]+)/.exec(headers.get("Link") ?? "") ?? [];
  return { rows: content as Answer<A>, next: decodeURIComponent(next) };
}

export async function request(verb: string, path: string, body?: unknown, signal?: AbortSignal, etag?: string): Promise<unknown> {
  return (await answered(verb, path, body, signal, etag)).content;
}

async function answered(verb: string, path: string, body?: unknown, signal?: AbortSignal, etag?: string): Promise<{ content: unknown; headers: Headers }> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (etag) headers["If-Match"] = etag;
  if (verb !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const asked: RequestInit = { method: verb, headers, credentials: "same-origin", redirect: "error" };
  if (body !== undefined) asked.body = JSON.stringify(body);
  if (signal) asked.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(BASE.replace(/\/$/, "") + path, asked);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "no-answer", "Nobody answers", "the server cannot be reached", "see that it runs: tenure status");
  }
  const text = await answer.text();
  if (answer.ok) return { content: text ? (JSON.parse(text) as unknown) : null, headers: answer.headers };
  throw problemIn(answer.status, text);
}

function problemIn(status: number, text: string): Problem {
  try {
    const said = JSON.parse(text) as Record<string, string>;
    return new Problem(status, said.code ?? "", said.title ?? "", said.detail ?? text, said.next_step ?? "", said);
  } catch {
    return new Problem(status, "", `HTTP ${status}`, text.slice(0, 300), "");
  }
}
