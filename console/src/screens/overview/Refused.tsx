import { useRef } from "react";
import { useMay } from "../../api/queries";
import { useRefusals } from "../../api/refusals";
import { Asked } from "../../kit/Asked";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { number, words } from "../../kit/show";

/** Requests that were turned away: nothing of them stands in the decision log. */
export function Refused() {
  const refusals = useRefusals(useMay()("status"));
  const first = useRef<Map<string, number> | null>(null);
  if (refusals.data && first.current === null) first.current = new Map(refusals.data);
  return (
    <Panel title="Requests refused" aside="since the gateways started">
      <Asked query={refusals}>
        {(found) =>
          found.length === 0 ? <Empty>None: whoever asked was answered.</Empty> : (
            <Rows
              label="Requests refused"
              rows={found}
              by={([code]) => code}
              columns={[
                { name: "why", cell: ([code]) => words(code) },
                { name: "times", cell: ([, count]) => number(count), right: true },
                { name: "since this page is open", cell: ([code, count]) => newly(count - (first.current?.get(code) ?? 0)), right: true },
              ]}
            />
          )
        }
      </Asked>
    </Panel>
  );
}

function newly(count: number) {
  return count > 0 ? <strong className="bad">{number(count)} more</strong> : <span className="dim">none</span>;
}
