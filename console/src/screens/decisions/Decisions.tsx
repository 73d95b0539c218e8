import { Button } from "@mantine/core";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Copies } from "../../kit/Copy";
import { Filters } from "../../kit/Filters";
import { Pager } from "../../kit/Listed";
import { ApplicationLink, DecisionLink, VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { type Column, Rows } from "../../kit/Tables";
import { usePlace } from "../../kit/place";
import { fields, moment } from "../../kit/show";

export interface DecisionFilters {
  entity: string;
  /** whom the log names so */
  pseudonym: string;
  application: string;
  since: string;
  until: string;
  rule: string;
  decided_by: string;
  model: string;
  version: string;
  after: string;
}

const PAGE = 50;
const SPANS = [
  { value: "1h", label: "last hour" },
  { value: "24h", label: "last day" },
  { value: "7d", label: "last week" },
  { value: "30d", label: "last 30 days" },
];
const DECIDERS = ["model", "rule", "fallback", "person"];
const COLUMNS: Column<Schemas["DecisionRow"]>[] = [
  { name: "decision", cell: (row) => <DecisionLink id={row.decision_id} /> },
  { name: "made", cell: (row) => <span className="nowrap">{moment(row.at)}</span> },
  { name: "application", cell: (row) => <ApplicationLink of={`${row.application}/${row.revision}`} /> },
  { name: "answer", cell: (row) => fields(row.answer) },
  { name: "decided by", cell: (row) => <span className="row"><Mark of={row.decided_by} />{row.status !== "final" && <Mark of={row.status} />}</span> },
  { name: "rules", cell: (row) => row.rules.join(", ") || "—" },
  { name: "model", cell: (row) => (row.model ? <VersionLink of={`${row.model.name}/${String(row.model.version)}`} /> : "—") },
];

/** Find a decision: by whom it is about first, by anything else beside that. Every search has its own address. */
export function Decisions({ filters }: { filters: Partial<DecisionFilters> }) {
  const { version, ...rest } = filters;
  const given = { ...rest, ...(version ? { version: Number(version) } : {}), limit: PAGE };
  const found = useAsk("decisions:list", given, { placeholderData: (before) => before, refetchInterval: filters.after ? false : 10_000 });
  const applications = useAsk("applications:list", {}).data ?? [];
  const models = useAsk("models:list", {}).data ?? [];
  const [, go] = usePlace();
  return (
    <>
      <Heading title="Decisions" under="Search by the person or thing that a decision is about, then narrow it down." />
      <Panel>
        <Filters
          cursor="after"
          filters={[
            { name: "entity", label: "About whom or what", placeholder: "customer, loan, parcel … as the request named it" },
            { name: "application", label: "Application", choices: applications.map((one) => one.application) },
            { name: "since", label: "Made", choices: SPANS, any: "any time" },
            { name: "decided_by", label: "Decided by", choices: DECIDERS, any: "anybody" },
            { name: "rule", label: "Rule", placeholder: "its id" },
            { name: "model", label: "Model", choices: models.map((one) => one.model) },
            { name: "version", label: "Version", placeholder: "its number" },
          ]}
        />
      </Panel>
      <Panel title={title(filters)} aside={<>{filters.pseudonym && <Button size="compact-xs" variant="subtle" onClick={() => go({ pseudonym: undefined, after: undefined })}>about anybody</Button>}<Copies action="decisions:list" given={given} /></>}>
        <Asked query={found}>
          {(page) => (
            <>
              {page.decisions.length ? <Rows label="Decisions" rows={page.decisions} columns={COLUMNS} by={(row) => row.decision_id} /> : <Empty>No decision fits. Leave a filter out, or look further back.</Empty>}
              <Pager first={!filters.after} next={page.next ?? ""} go={(after) => go({ after })} />
            </>
          )}
        </Asked>
      </Panel>
    </>
  );
}

function title(filters: Partial<DecisionFilters>): string {
  if (filters.entity) return `About ${filters.entity}, newest first`;
  return filters.pseudonym ? `About whom the log calls ${filters.pseudonym.slice(0, 8)}, newest first` : "Newest first";
}
