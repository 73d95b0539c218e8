import { Act } from "../../kit/Act";
import { Listed } from "../../kit/Listed";
import { Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment, who } from "../../kit/show";

/** Who is signed in, and the end of that. */
export function Sessions() {
  return (
    <Panel title="Signed in now">
      <Listed action="sessions:list" given={{}} cursor="sessions_cursor" empty="Nobody is signed in.">
        {(rows) => (
          <Rows
            label="Sessions"
            rows={rows}
            by={(row) => row.session}
            columns={[
              { name: "who", cell: (row) => <span title={row.subject_id}>{who(row.subject)}</span> },
              { name: "since", cell: (row) => moment(row.began_at) },
              { name: "until", cell: (row) => moment(row.expires_at) },
              { name: "", cell: (row) => <Act action="sessions:end" label="End" given={{ session: row.session }} affects={`${who(row.subject)} is signed out there.`} /> },
            ]}
          />
        )}
      </Listed>
    </Panel>
  );
}
