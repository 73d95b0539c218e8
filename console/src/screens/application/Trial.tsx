import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Panel } from "../../kit/Panel";
import { DecisionLink } from "../../kit/Links";
import { Rows } from "../../kit/Tables";
import { fields, moment, number, percent, who } from "../../kit/show";

/** What the revision on trial makes of live requests, beside the one in force. */
export function Trial({ application }: { application: string }) {
  const trial = useAsk("applications:trial", { application }, { refetchInterval: 5_000, retry: false });
  return (
    <Asked query={trial}>
      {(found) => (
        <Panel title={`On trial: ${found.application}/${found.revision}`} aside={`since ${moment(found.since)} by ${who(found.actor)}: ${found.reason}`}>
          <p>
            {found.share > 0 && <><strong>{number(found.answered)}</strong> requests answered, its share is {percent(found.share)}. </>}
            <strong>{number(found.differing)} of {number(found.evaluated)}</strong> watched requests would be answered otherwise
            {found.refused > 0 && `, ${number(found.refused)} refused`}{found.failed > 0 && `; for ${number(found.failed)} its model gave no output`}.
          </p>
          <ul className="plain">
            {found.differences.map((one) => <li key={`${one.active_rule} ${one.trial_rule}`}>{one.active_rule} → {one.trial_rule}: {number(one.times)}</li>)}
          </ul>
          {found.examples.length > 0 && (
            <Rows
              label="Examples"
              rows={found.examples.slice(0, 8)}
              by={(one) => one.decision_id}
              columns={[
                { name: "decision", cell: (one) => <DecisionLink id={one.decision_id} /> },
                { name: "in force", cell: (one) => `${fields(one.active_answer)} (${one.active_rule})` },
                { name: "on trial", cell: (one) => (one.trial_answer ? `${fields(one.trial_answer)} (${one.trial_rule})` : one.error) },
              ]}
            />
          )}
        </Panel>
      )}
    </Asked>
  );
}
