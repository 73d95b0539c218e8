import { Alert, Tabs } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Heading, Panel } from "../../kit/Panel";
import { Span } from "../../kit/Span";
import { moment, who } from "../../kit/show";
import { Path } from "./Path";
import { Revisions } from "./Revisions";
import { RollBack } from "./RollBack";
import { Rules } from "./Rules";
import { read } from "./definition";

interface Place {
  name: string;
  revision?: string;
  tab?: string;
  since?: string;
  stage?: string;
}

/** One application: the way of its requests, its rules, its revisions. */
export function Application({ name, revision, tab = "path", since = "1h", stage }: Place) {
  const shown = useAsk("applications:show", { application: name, ...(revision ? { revision: Number(revision) } : {}) });
  const inForce = useAsk("applications:show", { application: name }, { refetchInterval: 10_000 }).data?.revision;
  const figures = useAsk("decisions:figures", { application: name, since, steps: 60 }).data?.applications[0];
  const navigate = useNavigate();
  const may = useMay();
  const go = (change: Partial<Place>) => void navigate({ to: "/applications/$application", params: { application: name }, search: { tab, since, ...(revision ? { revision } : {}), ...change } });
  return (
    <Asked query={shown}>
      {(found) => (
        <>
          <Heading
            title={name}
            under={<><span>revision {found.revision}</span><Mark of={found.stage === "active" ? "in force" : found.stage} /><span>{moment(found.at)} by {who(found.actor)}{found.reason && `: ${found.reason}`}</span><Link to="/decisions" search={{ application: name }}>its decisions</Link></>}
            actions={
              <>
                <Span value={since} onChange={(chosen) => go({ since: chosen })} />
                <RollBack application={name} />
              </>
            }
          />
          {inForce !== undefined && inForce !== found.revision && (
            <Alert color="yellow" mb="md" title={`This is not the revision in force`}>
              In force is <Link to="/applications/$application" params={{ application: name }}>{name}/{inForce}</Link>.
            </Alert>
          )}
          <Tabs value={tab} onChange={(value) => value && go({ tab: value })} keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="path">Path</Tabs.Tab>
              <Tabs.Tab value="rules">Rules</Tabs.Tab>
              <Tabs.Tab value="revisions">Revisions</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="path">
              <Path revision={found} definition={read(found.source)} since={since} />
            </Tabs.Panel>
            <Tabs.Panel value="rules">
              {may("rules:check") && found.revision === inForce ? <Rules revision={found} figures={figures} /> : <Panel title="application.yaml"><pre tabIndex={0}><code>{found.source}</code></pre></Panel>}
            </Tabs.Panel>
            <Tabs.Panel value="revisions">
              <Revisions application={name} now={inForce ?? found.revision} {...(stage ? { stage } : {})} />
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </Asked>
  );
}
