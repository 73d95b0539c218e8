import { useQuery } from "@tanstack/react-query";
import { type Answer, Problem, type Schemas, call } from "../../api/call";
import { DecisionLink } from "../../kit/Links";
import { Rows } from "../../kit/Tables";
import { fields, moment, number, percent, value } from "../../kit/show";

/** What a definition would have changed among the logged decisions. */
export function Backtested({ found }: { found: Schemas["BacktestAnswer"] }) {
  return (
    <div className="outcome">
      <p>
        <strong>{number(found.changed)} of {number(found.compared)}</strong> decisions would come out otherwise{found.compared ? ` (${percent(found.changed / found.compared)})` : ""}
        {found.refused > 0 && `, ${number(found.refused)} requests would be refused`}
        {found.reviews > 0 && `, ${number(found.reviews)} change between a person and none`}. <span className="dim">Looked at in {number(found.seconds)} s.</span>
      </p>
      <ul className="plain">
        {Object.entries(found.ways).map(([way, count]) => <li key={way}>{way}: {number(count)}</li>)}
        {Object.entries(found.incomparable).map(([why, count]) => <li key={why} className="dim">not compared, {why}: {number(count)}</li>)}
      </ul>
      {found.examples.length > 0 && (
        <Rows
          label="Examples"
          rows={found.examples.slice(0, 8)}
          by={(one) => one.decision_id}
          columns={[
            { name: "decision", cell: (one) => <DecisionLink id={one.decision_id} /> },
            { name: "made", cell: (one) => moment(one.at) },
            { name: "then", cell: (one) => `${fields(one.before)} (${one.rule_before})` },
            { name: "with the change", cell: (one) => (one.after ? `${fields(one.after)} (${one.rule_after})` : "refused") },
          ]}
        />
      )}
    </div>
  );
}

/** How a draft differs from the revision in force. */
export function Changes({ application, text, files }: { application: string; text: string; files: Record<string, string> }) {
  const dry = useQuery<Answer<"applications:apply"> | null, Problem>({
    queryKey: ["dry run", application, text, files],
    queryFn: async ({ signal }) => {
      try {
        return await call("applications:apply", { text, files, dry_run: true, reason: "" }, signal);
      } catch (error) {
        if (error instanceof Problem && error.status !== 503) return null;
        throw error;
      }
    },
    placeholderData: (before) => before,
  });
  if (!dry.data) return null;
  return (
    <div className="outcome">
      <h3>What publishing would change</h3>
      <Differences changes={dry.data.changes} />
    </div>
  );
}

export function Differences({ changes: all }: { changes: Schemas["ChangeAnswer"][] }) {
  // That a new field is called what it is called by stands in its path already.
  const changes = all.filter((change) => !(change.before === null && change.what.endsWith(`.${String(change.after)}.name`)));
  if (changes.length === 0) return <p className="dim">Nothing differs.</p>;
  return (
    <ul className="plain diff">
      {changes.map((change) => (
        <li key={change.what}>
          <strong>{change.what}</strong>
          {change.before !== null && <del>{value(change.before)}</del>}
          {change.after !== null && <ins>{value(change.after)}</ins>}
        </li>
      ))}
    </ul>
  );
}
