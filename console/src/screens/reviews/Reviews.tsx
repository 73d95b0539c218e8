import { useAsk } from "../../api/queries";
import { Filters } from "../../kit/Filters";
import { ApplicationLink, DecisionLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { About } from "./About";
import { age, fields, moment, who } from "../../kit/show";

/** What waits for a person: those that have waited longest first. */
export function Reviews({ application = "", queue = "" }: { application?: string; queue?: string }) {
  const applications = useAsk("applications:list", {}).data ?? [];
  return (
    <>
      <Heading title="Reviews" under="Decisions that wait for a person, those that have waited longest first." />
      <Panel>
        <Filters filters={[{ name: "application", label: "Application", choices: applications.map((one) => one.application) }, { name: "queue", label: "Queue", placeholder: "its name" }]} />
      </Panel>
      <Panel>
        <Listed action="decisions:reviews" given={{ application, queue }} empty="Nothing waits.">
          {(rows) => (
            <Rows
              label="Reviews"
              rows={rows}
              by={(row) => row.decision_id}
              columns={[
                { name: "decision", cell: (row) => <DecisionLink id={row.decision_id} /> },
                { name: "about", cell: (row) => <About decision={row.decision_id} pseudonym={row.pseudonym} /> },
                { name: "waits", cell: (row) => <span title={moment(row.since)} className="nowrap">{age((Date.now() - Date.parse(row.since)) / 1000)}</span> },
                { name: "for", cell: (row) => <span className="row tight"><Mark of={row.what} />{row.queue}</span> },
                { name: "application", cell: (row) => <ApplicationLink of={row.application} /> },
                { name: "answer", cell: (row) => <>{fields(row.answer)}{row.proposed && <div className="small">proposed: {fields(row.proposed)}, by {who(row.proposed_by)}</div>}</> },
                { name: "rules", cell: (row) => row.rules.join(", ") || "—" },
              ]}
            />
          )}
        </Listed>
      </Panel>
    </>
  );
}
