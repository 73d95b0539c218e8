import { Button, Checkbox, Select, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Copied, curl } from "../../kit/Copy";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { useDraft } from "../../kit/draft";
import { Field, type FieldPlain } from "./Field";
import { Way } from "./Way";

export type Plain = Record<string, unknown>;

/** What both ways are asked: the request, and features that stand for what the views hold now. */
export interface Question {
  request: Plain;
  features: Record<string, Plain>;
}

/** One request answered in two ways beside each other, step by step; nothing is decided and nothing is logged. */
export function Playground({ application = "", decision = "" }: { application?: string; decision?: string }) {
  const applications = useAsk("applications:list", {});
  const taken = useAsk("decisions:show", { decision }, { enabled: decision !== "", retry: false });
  const navigate = useNavigate();
  const go = (search: { application?: string; decision?: string }) => void navigate({ to: "/playground", search });
  const names = (applications.data ?? []).map((one) => one.application);
  const name = taken.data?.application ?? (application || (decision ? "" : (names[0] ?? "")));
  return (
    <>
      <Heading title="Playground" under="One request, two ways of answering it, every step of both. Nothing is decided and nothing is logged." />
      <Asked query={applications}>
        {() => (
          <>
            <Panel title="Request">
              <div className="filters">
                <Select label="Application" data={names} value={name || null} onChange={(next) => next && go({ application: next })} allowDeselect={false} />
                <FromLog key={decision} decision={decision} onChosen={(id) => go(id ? { decision: id } : { application: name })} />
              </div>
              {decision && taken.error && <Asked query={taken}>{() => null}</Asked>}
              {!name && !decision && <Empty>{names.length ? "Choose an application." : "There is no application yet. A first one is written by: tenure init NAME --model MODEL@champion"}</Empty>}
            </Panel>
            {name && (!decision || taken.data) && <Bench key={`${name} ${decision}`} application={name} taken={taken.data} />}
          </>
        )}
      </Asked>
    </>
  );
}

function featuresThen(taken: Schemas["DecisionDetail"]): Record<string, Plain> {
  return Object.fromEntries(taken.features.map((one) => [String(one.view), one.values as Plain]));
}

function FromLog({ decision, onChosen }: { decision: string; onChosen: (id: string) => void }) {
  const [id, setId] = useState(decision);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChosen(id.trim());
  };
  return (
    <form className="row end from-log" onSubmit={submit}>
      <TextInput label="Or a decision from the log" placeholder="its id" value={id} onChange={(event) => setId(event.currentTarget.value)} flex={1} />
      <Button type="submit" variant="default" disabled={!id.trim() && !decision}>{decision && !id.trim() ? "Let it go" : "Take it"}</Button>
    </form>
  );
}

function Bench({ application, taken }: { application: string; taken: Schemas["DecisionDetail"] | undefined }) {
  const shown = useAsk("applications:show", { application });
  const [kept, keep] = useDraft(`request ${application}`);
  // A decision that was taken from the log is complete as it is: it is evaluated at once.
  const [question, ask] = useState<Question | null>(() => (taken ? { request: { ...taken.request, ...taken.personal }, features: featuresThen(taken) } : null));
  const [asThen, setAsThen] = useState(true);
  const client = useQueryClient();
  const may = useMay();
  useEffect(() => {
    if (taken) keep(JSON.stringify({ ...taken.request, ...taken.personal }));
  }, [taken, keep]);
  const values = kept ? (JSON.parse(kept) as Plain) : {};
  const set = (name: string, value: unknown) => keep(JSON.stringify({ ...values, [name]: value }));
  const features = taken && asThen ? featuresThen(taken) : {};
  return (
    <Asked query={shown}>
      {(found) => {
        const form = (found.definition.request as FieldPlain[] | undefined) ?? [];
        const request = Object.fromEntries(form.filter((field) => values[field.name] !== undefined && values[field.name] !== "").map((field) => [field.name, values[field.name]]));
        const submit = (event: FormEvent) => {
          event.preventDefault();
          ask({ request, features });
          // Asked again, it looks again: what the views hold may have changed.
          void client.invalidateQueries({ queryKey: ["rules:evaluate"] });
        };
        return (
          <>
            <Panel title="What is asked">
              <form onSubmit={submit} className="stack">
                <div className="form-grid">
                  {form.map((field) => <Field key={field.name} field={field} value={values[field.name]} onChange={(value) => set(field.name, value)} />)}
                </div>
                {taken && taken.features.length > 0 && <Checkbox label="With the features as the decision knew them, not as they are now" checked={asThen} onChange={(event) => setAsThen(event.currentTarget.checked)} />}
                <div className="row">
                  {may("rules:evaluate") ? <Button type="submit">Evaluate</Button> : <span className="dim">Your role may look at applications and not try them.</span>}
                  {Object.keys(values).length > 0 && <Button variant="subtle" color="gray" onClick={() => keep(null)}>Clear</Button>}
                  <Copied text={curl({ verb: "POST", path: `/api/v1/applications/${application}/decisions`, query: "", body: request })} label="copy as a real decision (curl)" />
                </div>
              </form>
            </Panel>
            {question && (
              <div className="halves">
                <Way name="One way" application={application} question={question} taken={taken} other={false} />
                <Way name="The other way" application={application} question={question} taken={taken} other />
              </div>
            )}
          </>
        );
      }}
    </Asked>
  );
}
