import { SegmentedControl, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Act } from "../../kit/Act";
import { ApplicationLink } from "../../kit/Links";
import { Panel } from "../../kit/Panel";
import { number, several } from "../../kit/show";

/** What it is all for: each project with its goal, and whether its measure says that it gets there. */
export function Projects() {
  const projects = useAsk("projects:list", {}, { enabled: useMay()("projects:list"), refetchInterval: 30_000 }).data ?? [];
  if (projects.length === 0) return null;
  return (
    <Panel title="Projects">
      <div className="projects">
        {projects.map((one) => <Project key={one.project} project={one} />)}
      </div>
    </Panel>
  );
}

function Project({ project }: { project: Schemas["ProjectAnswer"] }) {
  const detail = useAsk("projects:show", { project: project.project }, { enabled: project.measure !== "", staleTime: 30_000, retry: false }).data;
  return (
    <article>
      <h3 className="row">{project.project} <State project={project} /></h3>
      <div>{project.goal || <span className="dim small">No goal was stated.</span>}</div>
      {detail?.measured.map((one) => <Measure key={one.application} project={project} of={one} />)}
      <div className="row small">{project.applications.map((name) => <ApplicationLink key={name} of={name} />)}{project.owner && <span className="dim">{project.owner}</span>}</div>
    </article>
  );
}

function Measure({ project, of }: { project: Schemas["ProjectAnswer"]; of: Schemas["ProjectApplication"] }) {
  if (of.trouble || !of.whole) return <div className="small dim">{project.measure}: not measured yet{of.trouble && `, ${of.trouble}`}</div>;
  const periods = of.periods.filter((one) => one.value !== null);
  const [before, now] = periods.slice(-2);
  const better = before?.value != null && now?.value != null && now.value !== before.value ? (now.value > before.value) === (project.better === "higher") : undefined;
  return (
    <div>
      <span className="measure">{of.whole.value === null ? "—" : number(of.whole.value)}</span> <code>{project.measure}</code> <span className="small dim">{project.better} is better</span>
      <div className="small dim">
        from {number(of.whole.labelled)} of {several(of.whole.decisions, "decision")} whose truth is known
        {now && before && <>; this week {number(now.value ?? 0)}, before {number(before.value ?? 0)} <span className={better ? "good" : better === false ? "bad" : ""}>{better === undefined ? "" : better ? "better" : "worse"}</span></>}
      </div>
    </div>
  );
}

/** Say what a project is for. */
function State({ project }: { project: Schemas["ProjectAnswer"] }) {
  const [goal, setGoal] = useState("");
  const [measure, setMeasure] = useState("");
  const [better, setBetter] = useState<"higher" | "lower">("higher");
  const begin = () => {
    setGoal(project.goal);
    setMeasure(project.measure);
    setBetter(project.better as "higher" | "lower");
  };
  return (
    <Act action="projects:set" compact label={project.goal ? "Change" : "State it"} begin={begin} etag={project.etag} given={{ project: project.project, goal, measure, better, owner: project.owner }} affects="It stands on everybody’s overview, with its measure computed from outcomes as they arrive.">
      <TextInput label="Goal" description="What it is for, in a sentence" required value={goal} onChange={(event) => setGoal(event.currentTarget.value)} />
      <TextInput label="Measure" description="Its success over the outcome, as rate(left == false); empty is none" value={measure} onChange={(event) => setMeasure(event.currentTarget.value)} />
      <SegmentedControl aria-label="Which way success is" data={[{ value: "higher", label: "higher is better" }, { value: "lower", label: "lower is better" }]} value={better} onChange={(next) => setBetter(next as "higher")} />
    </Act>
  );
}
