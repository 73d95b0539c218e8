import { useAsk } from "../api/queries";
import { number } from "./show";

/** How far an action is that this page waits for; nothing while nobody knows. Of several under way the one that began last is meant. */
export function Working({ action, target, on }: { action: string; target: string; on: boolean }) {
  const status = useAsk("status", {}, { enabled: on, refetchInterval: on ? 600 : false });
  const work = on ? status.data?.working.filter((one) => one.action === action && one.target === target).at(-1) : undefined;
  if (!work?.total) return null;
  return (
    <div className="row small" role="status">
      <progress value={work.done} max={work.total} aria-label="how far it is" /> {number(work.done)} of {number(work.total)} decisions
    </div>
  );
}
