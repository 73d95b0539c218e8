import { Button, Select, TextInput } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import type { Schemas } from "../../api/call";
import { sent } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Copied, curl } from "../../kit/Copy";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { type Column, Rows } from "../../kit/Tables";
import { command } from "../../kit/commands";
import { fields, moment } from "../../kit/show";

export interface DecisionFilters {
  entity: string;
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
const COLUMNS: Column<Schemas["DecisionRow"]>[] = [
  { name: "decision", cell: (row) => <Link to="/decisions/$decision" params={{ decision: row.decision_id }} className="mono">{row.decision_id}</Link> },
  { name: "made", cell: (row) => <span className="nowrap">{moment(row.at)}</span> },
  { name: "application", cell: (row) => <span className="nowrap">{row.application}/{row.revision}</span> },
  { name: "answer", cell: (row) => fields(row.answer) },
  { name: "decided by", cell: (row) => <span className="row"><Mark of={row.decided_by} />{row.status !== "final" && <Mark of={row.status} />}</span> },
  { name: "rules", cell: (row) => row.rules.join(", ") || "—" },
  { name: "model", cell: (row) => row.model ? `${row.model.name}/${String(row.model.version)}` : "—" },
];

/** Find a decision: by whom it is about first, by anything else beside that. Every search has its own address. */
export function Decisions({ filters }: { filters: Partial<DecisionFilters> }) {
  const { version, ...rest } = filters;
  const given = { ...rest, ...(version ? { version: Number(version) } : {}), limit: PAGE };
  const found = useAsk("decisions:list", given, { placeholderData: (before) => before, refetchInterval: filters.after ? false : 10_000 });
  const navigate = useNavigate();
  const asCommand = command("decisions:list", given);
  return (
    <>
      <Heading title="Decisions" under="Search by the person or thing that a decision is about, then narrow it down." />
      <Panel>
        <Filters filters={filters} />
      </Panel>
      <Panel title={title(filters)} aside={<>{asCommand && <Copied text={asCommand} label="copy command" />}<Copied text={curl(sent("decisions:list", given))} label="copy curl" /></>}>
        <Asked query={found}>
          {(page) => (
            <>
              {page.decisions.length ? <Rows label="Decisions" rows={page.decisions} columns={COLUMNS} by={(row) => row.decision_id} /> : <Empty>No decision fits. Leave a filter out, or look further back.</Empty>}
              <div className="pager">
                {filters.after ? (
                  <Button size="xs" variant="default" onClick={() => void navigate({ to: "/decisions", search: { ...filters, after: undefined } })}>
                    Newest
                  </Button>
                ) : (
                  <span />
                )}
                {page.next && (
                  <Button size="xs" variant="default" onClick={() => void navigate({ to: "/decisions", search: { ...filters, after: page.next ?? undefined } })}>
                    Older
                  </Button>
                )}
              </div>
            </>
          )}
        </Asked>
      </Panel>
    </>
  );
}

function title(filters: Partial<DecisionFilters>): string {
  return filters.entity ? `About ${filters.entity}, newest first` : "Newest first";
}

const SPANS = [
  { value: "", label: "any time" },
  { value: "1h", label: "last hour" },
  { value: "24h", label: "last day" },
  { value: "7d", label: "last week" },
  { value: "30d", label: "last 30 days" },
];
const DECIDERS = ["", "model", "rule", "fallback", "person"].map((value) => ({ value, label: value || "anybody" }));

function Filters({ filters }: { filters: Partial<DecisionFilters> }) {
  const navigate = useNavigate();
  const applications = useAsk("applications:list", {}).data ?? [];
  const [entity, setEntity] = useState(filters.entity ?? "");
  const [rule, setRule] = useState(filters.rule ?? "");
  useEffect(() => {
    setEntity(filters.entity ?? "");
    setRule(filters.rule ?? "");
  }, [filters.entity, filters.rule]);
  const go = (change: Partial<DecisionFilters>) => void navigate({ to: "/decisions", search: { ...filters, entity, rule, after: undefined, ...change } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go({});
  };
  const names = [{ value: "", label: "any" }, ...applications.map((one) => ({ value: one.application, label: one.application }))];
  return (
    <form className="filters" onSubmit={submit} role="search">
      <TextInput label="About whom or what" placeholder="customer, loan, parcel … as the request named it" value={entity} onChange={(event) => setEntity(event.currentTarget.value)} />
      <Select label="Application" data={names} value={filters.application ?? ""} onChange={(value) => go({ application: value ?? "" })} allowDeselect={false} />
      <Select label="Made" data={SPANS} value={filters.since ?? ""} onChange={(value) => go({ since: value ?? "" })} allowDeselect={false} />
      <Select label="Decided by" data={DECIDERS} value={filters.decided_by ?? ""} onChange={(value) => go({ decided_by: value ?? "" })} allowDeselect={false} />
      <TextInput label="Rule" value={rule} onChange={(event) => setRule(event.currentTarget.value)} />
      <Button type="submit">Search</Button>
    </form>
  );
}
