// What changed, as it changes: one stream of server-sent events per visible tab. While it runs, no screen asks in vain.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { BASE } from "./call";

/** Nothing heard for so long (the server speaks every three seconds): the stream is as good as ended. */
const SILENT_MS = 9_000;

/** So many seconds after a refusal (too many listen already) it is tried again; until then screens ask as they used to. */
const REFUSED_MS = 15_000;

/** Of these no change is announced: they are states of processes and what is still being written. */
const UNANNOUNCED = new Set(["status", "versions:logs"]);
/** What was computed of what is written for good, at the price of a process: it is asked again by who wants it again, by nothing else. */
const COMPUTED = new Set(["decisions:explain", "rules:evaluate"]);

export function isComputed(action: unknown): boolean {
  return COMPUTED.has(String(action));
}

/** Reading these is itself written down (personal fields, in the audit log): only who looks asks for them, never the page by itself. */
const WRITTEN_DOWN = new Set(["decisions:show"]);

/** Marks what a dialog does. It stands on a page that shows what it changes, and must outlive the change to say what came of it. */
export const OF_DIALOG = { ofDialog: true };

const OF_DECISIONS = ["decisions:", "applications:trial", "projects:list", "features:"];

let live = false;
const listeners = new Set<() => void>();

function setLive(now: boolean): void {
  if (live === now) return;
  live = now;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** How often to ask for the answer of this action: never while changes are announced, else as the screen wishes. */
export function useEvery(action: string, wished: unknown): unknown {
  const announced = useSyncExternalStore(subscribe, () => live);
  return announced && !UNANNOUNCED.has(action) ? false : wished;
}

/** Listen while somebody is signed in and looks at the page; a hidden tab holds no connection. */
export function useLive(signedIn: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!signedIn) return undefined;
    let stop = listenIfVisible(client);
    const turned = () => {
      stop();
      stop = listenIfVisible(client);
    };
    document.addEventListener("visibilitychange", turned);
    return () => {
      document.removeEventListener("visibilitychange", turned);
      stop();
    };
  }, [client, signedIn]);
}

function listenIfVisible(client: QueryClient): () => void {
  return document.visibilityState === "visible" ? listen(client) : () => undefined;
}

function listen(client: QueryClient): () => void {
  let source: EventSource;
  let silence: number | undefined;
  let again: number | undefined;
  const lost = () => setLive(false);
  const open = () => {
    source = new EventSource(`${BASE}api/v1/changes`);
    source.addEventListener("changed", heard);
    source.addEventListener("error", () => {
      lost();
      // A browser comes again by itself after a broken line, and never after a refusal.
      if (source.readyState === EventSource.CLOSED) again = window.setTimeout(open, REFUSED_MS);
    });
  };
  const heard = (event: MessageEvent<string>) => {
    window.clearTimeout(silence);
    silence = window.setTimeout(lost, SILENT_MS);
    const kinds = JSON.parse(event.data) as string[];
    // Whatever changed between two streams was announced by neither.
    const anything = !live || kinds.includes("home") || kinds.includes("processes");
    const outdated = (action: string) => !WRITTEN_DOWN.has(action) && !isComputed(action) && (anything || OF_DECISIONS.some((start) => action.startsWith(start)));
    // What a dialog does is announced before it is answered; everything is asked for when it is (queries.ts).
    const isDoing = client.isMutating({ predicate: ({ meta }) => meta === OF_DIALOG }) > 0;
    if (!isDoing && (anything || kinds.length > 0)) void client.invalidateQueries({ predicate: ({ queryKey }) => outdated(String(queryKey[0])) });
    setLive(true);
  };
  open();
  return () => {
    window.clearTimeout(silence);
    window.clearTimeout(again);
    source.close();
    lost();
  };
}
