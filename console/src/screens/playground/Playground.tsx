import { Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { type Decided, Problem, type Schemas, decide } from "../../api/call";
import { useAsk, useDo, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Copied, curl } from "../../kit/Copy";
import { Empty, Facts, Heading, Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { useDraft } from "../../kit/draft";
import { fields } from "../../kit/show";
import { withTest } from "../application/definition";
import { Steps } from "../decision/Steps";

interface FieldPlain {
  name: string;
  type: string;
  required?: boolean;
  nullable?: boolean;
  values?: unknown[];
  minimum?: number;
  maximum?: number;
}

/** Ask an application as its callers do, see every step, and see how other revisions or versions would have answered. */
export function Playground({ application = "", decision = "" }: { application?: string; decision?: string }) {
  const applications = useAsk("applications:list", {});
  const navigate = useNavigate();
  const go = (search: { application?: string; decision?: string }) => void navigate({ to: "/playground", search });
  return (
    <>
      <Heading title="Playground" under="Ask as a caller would, or take a logged decision, and put two ways of answering side by side." />
      <Asked query={applications}>
        {(rows) => {
          const name = application || (decision ? "" : (rows[0]?.application ?? ""));
          return (
            <div className="columns">
              <div>
                <Panel title="Request">
                  <Select label="Application" data={rows.map((one) => one.application)} value={name || null} onChange={(next) => next && go({ application: next })} mb="sm" allowDeselect={false} />
                  {name ? <Form key={name} application={name} onDecided={(made) => go({ application: name, decision: made.decision_id })} /> : <Empty>{rows.length ? "Choose an application." : "There is no application yet."}</Empty>}
                </Panel>
                <FromLog onChosen={(id) => go({ ...(name ? { application: name } : {}), decision: id })} />
              </div>
              <div>{decision ? <Answered key={decision} id={decision} /> : <Panel title="Answer"><Empty>Nothing was asked yet.</Empty></Panel>}</div>
            </div>
          );
        }}
      </Asked>
    </>
  );
}

function FromLog({ onChosen }: { onChosen: (id: string) => void }) {
  const [id, setId] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChosen(id.trim());
  };
  return (
    <Panel title="Or a decision from the log">
      <form className="row end" onSubmit={submit}>
        <TextInput label="Decision" value={id} onChange={(event) => setId(event.currentTarget.value)} flex={1} />
        <Button type="submit" variant="default" disabled={!id.trim()}>Take it</Button>
      </form>
    </Panel>
  );
}

function Form({ application, onDecided }: { application: string; onDecided: (made: Decided) => void }) {
  const shown = useAsk("applications:show", { application });
  const [kept, keep] = useDraft(`request ${application}`);
  const may = useMay();
  const asking = useMutation<Decided, Problem, Record<string, unknown>>({ mutationFn: (asked) => decide(application, asked), onSuccess: onDecided });
  const values = kept ? (JSON.parse(kept) as Record<string, unknown>) : {};
  const set = (name: string, value: unknown) => keep(JSON.stringify({ ...values, [name]: value }));
  return (
    <Asked query={shown}>
      {(found) => {
        const request = ((found.definition.request as FieldPlain[] | undefined) ?? []);
        const asked = Object.fromEntries(request.filter((field) => values[field.name] !== undefined && values[field.name] !== "").map((field) => [field.name, values[field.name]]));
        const submit = (event: FormEvent) => {
          event.preventDefault();
          asking.mutate(asked);
        };
        return (
          <form className="stack" onSubmit={submit}>
            {request.map((field) => <Field key={field.name} field={field} value={values[field.name]} onChange={(value) => set(field.name, value)} />)}
            <div className="row">
              {may("applications:decide") && <Button type="submit" loading={asking.isPending}>Ask</Button>}
              <Copied text={curl({ verb: "POST", path: `/api/v1/applications/${application}/decisions`, query: "", body: asked })} label="copy curl" />
            </div>
            <p className="dim small">It is a decision like any other: logged, counted, and answered by the revision in force.</p>
            {asking.error && <ProblemPanel problem={asking.error} />}
          </form>
        );
      }}
    </Asked>
  );
}

function Field({ field, value, onChange }: { field: FieldPlain; value: unknown; onChange: (value: unknown) => void }) {
  const label = { label: field.name, description: description(field), required: field.required !== false };
  if (field.values?.length) return <Select {...label} data={field.values.map(String)} value={value === undefined ? null : String(value)} onChange={(next) => onChange(next ?? undefined)} />;
  if (field.type === "bool") return <Select {...label} data={["true", "false"]} value={value === undefined ? null : String(value)} onChange={(next) => onChange(next === null ? undefined : next === "true")} />;
  if (field.type === "int" || field.type === "float") {
    return <NumberInput {...label} allowDecimal={field.type === "float"} value={typeof value === "number" ? value : ""} onChange={(next) => onChange(typeof next === "number" ? next : undefined)} {...(field.minimum !== undefined && field.minimum !== null ? { min: field.minimum } : {})} {...(field.maximum !== undefined && field.maximum !== null ? { max: field.maximum } : {})} hideControls />;
  }
  return <TextInput {...label} value={value === undefined ? "" : String(value)} onChange={(event) => onChange(event.currentTarget.value || undefined)} />;
}

function description(field: FieldPlain): string {
  const bounds = [field.minimum !== undefined && field.minimum !== null ? `from ${field.minimum}` : "", field.maximum !== undefined && field.maximum !== null ? `to ${field.maximum}` : ""].filter(Boolean).join(" ");
  return [field.type, bounds].filter(Boolean).join(", ");
}

function Answered({ id }: { id: string }) {
  const decision = useAsk("decisions:show", { decision: id });
  const why = useAsk("decisions:why", { decision: id });
  return (
    <Asked query={decision}>
      {(found) => (
        <>
          <Panel title="Answer" aside={<Link to="/decisions/$decision" params={{ decision: id }}>open the decision</Link>}>
            <Asked query={why}>{(reasons) => <Steps decision={found} why={reasons} />}</Asked>
          </Panel>
          <SideBySide decision={found} />
          <SaveTest decision={found} />
        </>
      )}
    </Asked>
  );
}

interface Way {
  revision: string;
  version: string;
}

/** The same request by two ways of answering: each a revision with a version. */
function SideBySide({ decision }: { decision: Schemas["DecisionDetail"] }) {
  const may = useMay();
  const model = decision.model?.name ?? "";
  const history = useAsk("applications:history", { application: decision.application }, { enabled: !decision.application.includes(":") });
  const versions = useAsk("versions:list", { model }, { enabled: model !== "" });
  if (!may("rules:backtest") || !history.data) return null;
  const revisions = [...new Set(history.data.map((one) => one.ref.split("/")[1] ?? ""))];
  const refs = (versions.data ?? []).filter((one) => one.stage !== "destroyed").map((one) => String(one.version));
  return (
    <Panel title="Side by side">
      <div className="halves">
        <Column name="One way" decision={decision} revisions={revisions} refs={refs} first={{ revision: revisions[0] ?? "", version: "" }} />
        <Column name="The other way" decision={decision} revisions={revisions} refs={refs} first={{ revision: revisions[1] ?? revisions[0] ?? "", version: refs.at(-1) ?? "" }} />
      </div>
    </Panel>
  );
}

function Column({ name, decision, revisions, refs, first }: { name: string; decision: Schemas["DecisionDetail"]; revisions: string[]; refs: string[]; first: Way }) {
  const [way, setWay] = useState(first);
  const trial = useDo("rules:backtest");
  const model = decision.model?.name ?? "";
  const example = trial.data?.examples[0];
  const run = () => trial.mutate({ application: decision.application, revision: Number(way.revision), decision: decision.decision_id, ...(way.version ? { version: `${model}/${way.version}` } : {}) });
  return (
    <div className="stack">
      <h3>{name}</h3>
      <Select label="Revision" data={revisions} value={way.revision} onChange={(next) => next && setWay({ ...way, revision: next })} allowDeselect={false} />
      {refs.length > 0 && <Select label="Version" data={[{ value: "", label: "the output that was logged" }, ...refs.map((one) => ({ value: one, label: `${model}/${one}, asked anew` }))]} value={way.version} onChange={(next) => setWay({ ...way, version: next ?? "" })} allowDeselect={false} />}
      <div><Button size="xs" variant="default" loading={trial.isPending} onClick={run}>Try</Button></div>
      <div aria-live="polite">
        {trial.data && (example ? <Facts of={[["answers", example.after ? fields(example.after) : "refuses the request"], ["by", example.rule_after]]} /> : <Facts of={[["answers", trial.data.compared ? `${fields(decision.logged.answer as Record<string, unknown>)}, as it was` : Object.keys(trial.data.incomparable).join(", ")]]} />)}
        {trial.error && <ProblemPanel problem={trial.error} />}
      </div>
    </div>
  );
}

/** Keep the request and its answer as a test in the application's draft. */
function SaveTest({ decision }: { decision: Schemas["DecisionDetail"] }) {
  const shown = useAsk("applications:show", { application: decision.application }, { enabled: !decision.application.includes(":") });
  const [draft, keep] = useDraft(`definition ${decision.application}`);
  const [saved, setSaved] = useState(false);
  const may = useMay();
  const source = shown.data?.source;
  if (!source || !may("applications:apply")) return null;
  const save = () => {
    const features = Object.fromEntries(decision.features.map((one) => [String(one.view), one.values]));
    keep(
      withTest(draft ?? source, {
        request: { ...decision.personal, ...decision.request },
        ...(decision.features.length ? { features } : {}),
        ...(decision.output ? { output: decision.output } : {}),
        expect: { answer: decision.logged.answer, ...(decision.rules.length ? { rule: decision.rules.at(-1) } : {}) },
      }),
    );
    setSaved(true);
  };
  return (
    <Panel title="Keep it as a test">
      <div className="row">
        <Button size="xs" variant="default" onClick={save} disabled={saved}>Save as a rule test</Button>
        {saved && <span>It stands in the draft of <Link to="/applications/$application" params={{ application: decision.application }} search={{ tab: "rules" }}>{decision.application}</Link>, with its entity: publish it there.</span>}
      </div>
    </Panel>
  );
}
