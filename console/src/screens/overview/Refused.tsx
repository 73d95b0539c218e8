import { useRef } from "react";
import { useMay } from "../../api/queries";
import { type Described, useDescribed, useRefusals } from "../../api/refusals";
import { Asked } from "../../kit/Asked";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { number, words } from "../../kit/show";

/** Requests that were turned away: nothing of them stands in the decision log. */
export function Refused() {
  const refusals = useRefusals(useMay()("status"));
  const described = useDescribed((refusals.data ?? []).map(([code]) => code));
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
                { name: "why", cell: ([code]) => <Why code={code} of={described.get(code)} /> },
                { name: "times", cell: ([, count]) => number(count), right: true },
                { name: "newly", cell: ([code, count]) => newly(count - (first.current?.get(code) ?? 0)), right: true },
              ]}
            />
          )
        }
      </Asked>
    </Panel>
  );
}

/** What was wrong and what to do next; of one that nobody describes its code. */
function Why({ code, of }: { code: string; of: Described | undefined }) {
  if (!of) return <>{words(code)}</>;
  return (
    <>
      <strong>{of.title}</strong> <span className="dim">{words(code)}</span>
      <div className="small">{plain(of.message)}</div>
      {of.next_step && <div className="small dim">Next step: {plain(of.next_step)}</div>}
    </>
  );
}

/** A sentence whose facts differ from request to request. */
function plain(text: string): string {
  return text.replaceAll(/\{(\w+)[^}]*\}/g, "…");
}

function newly(count: number) {
  return count > 0 ? <strong className="bad">{number(count)} more</strong> : <span className="dim">none</span>;
}
