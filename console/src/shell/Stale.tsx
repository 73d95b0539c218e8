import { Alert } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Problem } from "../api/call";
import { moment } from "../kit/show";

/** Says when what the page shows may be old: control does not answer. */
export function Stale({ beat }: { beat: UseQueryResult<unknown, Problem> }) {
  if (!beat.error) return null;
  const since = beat.dataUpdatedAt ? `What you see is from ${moment(new Date(beat.dataUpdatedAt).toISOString())}. ` : "";
  return (
    <Alert color="orange" title="This page may be out of date" role="status" className="stale">
      {since}
      {beat.error.message}. Decisions go on without control; drafts on this page are kept. It is tried again every five seconds.
    </Alert>
  );
}
