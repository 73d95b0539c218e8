import { Act } from "../../kit/Act";
import { useAsk } from "../../api/queries";
import { inForce } from "./RevisionActions";

/** Back to the revision before, where there is one. */
export function RollBack({ application }: { application: string }) {
  const history = useAsk("applications:history", { application }).data ?? [];
  const now = history[0]?.ref;
  const before = history.find((one) => one.ref !== now)?.ref;
  if (!now || !before) return null;
  return (
    <Act
      action="applications:rollback"
      label="Roll back"
      etag={inForce(now.split("/")[1] ?? "")}
      given={{ application, to: Number(before.split("/")[1]) }}
      affects={<>The next request to {application} is answered by <strong>{before}</strong> instead of {now}.</>}
    />
  );
}
