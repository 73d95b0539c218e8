import { Select } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useAsk } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment, words } from "../../kit/show";

const STATES = ["", "open", "acknowledged", "resolved"].map((value) => ({ value, label: value || "any" }));

/** What monitoring found, newest first. */
export function Alerts({ status = "" }: { status?: string }) {
  const found = useAsk("alerts:list", { status }, { refetchInterval: 15_000 });
  const navigate = useNavigate();
  return (
    <>
      <Heading title="Alerts" under="What a model met or did that it was not made for." actions={<Select aria-label="State" size="xs" data={STATES} value={status} onChange={(value) => void navigate({ to: "/alerts", search: { status: value ?? "" } })} allowDeselect={false} />} />
      <Panel>
        <Asked query={found}>
          {(rows) =>
            rows.length ? (
              <Rows
                label="Alerts"
                rows={rows}
                by={(row) => row.id}
                columns={[
                  { name: "state", cell: (row) => <Mark of={row.state} /> },
                  { name: "version", cell: (row) => { const [model = "", version = ""] = row.ref.split("/"); return <Link to="/models/$model/$version" params={{ model, version }} search={{ tab: "monitoring" }}>{row.ref}</Link>; } },
                  { name: "kind", cell: (row) => words(row.kind) },
                  { name: "column", cell: (row) => row.column || "—" },
                  { name: "days", cell: (row) => `${row.first_day} – ${row.last_day}` },
                  { name: "finding", cell: (row) => String(row.evidence.how ?? "") },
                  { name: "opened", cell: (row) => moment(row.opened_at) },
                  { name: "", cell: (row) => (row.state === "open" ? <Act action="alerts:ack" label="Acknowledge" given={{ alert: row.id }} affects="It is marked as seen, with what you know about it; it stays until the data say otherwise." /> : row.note) },
                ]}
              />
            ) : (
              <Empty>No alert.</Empty>
            )
          }
        </Asked>
      </Panel>
    </>
  );
}
