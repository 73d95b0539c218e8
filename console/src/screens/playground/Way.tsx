import { Button, Select } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Given, Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Copies } from "../../kit/Copy";
import { Panel } from "../../kit/Panel";
import { useDraft } from "../../kit/draft";
import { usePlace } from "../../kit/place";
import { withTest } from "../application/definition";
import { changeDraft } from "../application/useDefinition";
import { Evaluated } from "./Evaluated";
import type { Plain, Question } from "./Playground";

const DRAFT = "draft";
const LOGGED = "logged";
const SERVING = "serving";

interface Props {
  name: string;
  application: string;
  question: Question;
  taken: Schemas["DecisionDetail"] | undefined;
  /** whether this is the second way, which begins as something else than what is in force */
  other: boolean;
}

/** One way of answering: a revision (or the draft) with a version (or what was logged), and how it comes to its answer. */
export function Way({ name, application, question, taken, other }: Props) {
  const revisions = useAsk("applications:revisions", { application });
  const shown = useAsk("applications:show", { application });
  const model = ((shown.data?.definition.model as { name?: string } | null | undefined)?.name ?? "");
  const versions = useAsk("versions:list", { model }, { enabled: model !== "" });
  const [draft] = useDraft(`definition ${application}`);
  const [tables] = useDraft(`tables ${application}`);
  const inForce = shown.data ? String(shown.data.revision) : "";
  const numbers = (revisions.data ?? []).map((one) => String(one.revision));
  const [search, go] = usePlace();
  const side = other ? "right" : "left";
  const chosen = search[side];
  const version = search[`${side}_model`] ?? SERVING;
  const revision = chosen ?? (other ? (draft !== null ? DRAFT : (numbers.find((one) => one !== inForce) ?? inForce)) : inForce);
  const choices = [
    ...(draft === null && tables === null ? [] : [{ value: DRAFT, label: "the draft in this browser" }]),
    ...(revisions.data ?? []).map((one) => ({ value: String(one.revision), label: `${one.ref} (${one.stage})` })),
  ];
  const answerers = [
    { value: SERVING, label: "the version in service" },
    ...(taken?.output ? [{ value: LOGGED, label: "the output as it was logged" }] : []),
    ...(versions.data ?? []).filter((one) => one.stage !== "destroyed").map((one) => ({ value: one.ref, label: `${one.ref} (${one.role || one.stage})` })),
  ];
  const given: Given<"rules:evaluate"> = {
    request: question.request,
    ...(Object.keys(question.features).length ? { features: question.features } : {}),
    ...(revision === DRAFT && shown.data ? { text: draft ?? shown.data.source, files: tables ? (JSON.parse(tables) as Record<string, string>) : shown.data.files } : { application, revision: Number(revision) }),
    ...(version === LOGGED ? { output: taken?.output ?? null } : version === SERVING ? {} : { version }),
  };
  const evaluated = useAsk("rules:evaluate", given, { enabled: revision !== "", staleTime: Number.POSITIVE_INFINITY, retry: false, placeholderData: undefined });
  return (
    <Panel title={name} aside={<Copies action="rules:evaluate" given={given} />}>
      <div className="form-grid">
        <Select label="Answered by" data={choices} value={revision || null} onChange={(next) => go({ [side]: next ?? undefined })} allowDeselect={false} />
        {model !== "" && <Select label="Model" data={answerers} value={version} onChange={(next) => go({ [`${side}_model`]: next ?? undefined })} allowDeselect={false} />}
      </div>
      <div className="outcome" aria-live="polite">
        <Asked query={evaluated}>
          {(found) => (
            <>
              <Evaluated found={found} />
              <SaveTest application={application} question={question} found={found} />
            </>
          )}
        </Asked>
      </div>
    </Panel>
  );
}

/** Keep the request and its answer as a test in the application's draft. */
function SaveTest({ application, question, found }: { application: string; question: Question; found: Schemas["EvaluatedAnswer"] }) {
  const revision = useAsk("applications:show", { application }).data;
  const [saved, setSaved] = useState(false);
  if (!useMay()("applications:apply") || !revision) return null;
  const save = () => {
    changeDraft(revision, (text) => withTest(text, asTest(question, found)));
    setSaved(true);
  };
  return (
    <div className="row">
      <Button size="xs" variant="default" onClick={save} disabled={saved}>Save as a rule test</Button>
      {saved && <span className="small">It stands in the draft of <Link to="/applications/$application" params={{ application }} search={{ tab: "rules" }}>{application}</Link>: publish it there.</span>}
    </div>
  );
}

function asTest(question: Question, found: Schemas["EvaluatedAnswer"]): Plain {
  const features: Record<string, Plain> = {};
  for (const one of found.inputs) {
    if (one.source !== "request") features[one.source] = { ...features[one.source], [one.name.split(".").slice(1).join(".")]: one.value };
  }
  const isRule = !["default", "fallback"].includes(found.closed_by);
  return {
    request: question.request,
    ...(Object.keys(features).length ? { features } : {}),
    ...(found.output ? { output: found.output } : {}),
    expect: { ...found.answer, ...(isRule ? { rule: found.closed_by } : {}) },
  };
}
