import { Link } from "@tanstack/react-router";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Empty, Facts, Heading, Panel } from "../../kit/Panel";
import { ApplicationLink, VersionLink } from "../../kit/Links";
import { moment } from "../../kit/show";
import { Holds } from "./Holds";
import { Keeping } from "./Keeping";
import { Processes } from "./Processes";
import { Webhooks } from "./Webhooks";

/** What runs, what does not, whether everything is as it was written, and what can be done about it. */
export function System() {
  const status = useAsk("status", {}, { refetchInterval: 3_000 });
  const may = useMay();
  return (
    <Asked query={status}>
      {(found) => (
        <>
          <Heading title="System" under={<><span>Tenure {found.version}</span><span>home {found.home}</span><Link to="/access">policy {found.policy}</Link></>} />
          <Processes status={found} />
          <div className="halves">
            <Panel title="In force">
              <Facts
                of={[
                  ...Object.entries(found.applications).map(([name, number]) => [`application ${name}`, <ApplicationLink key={name} of={`${name}/${number}`}>revision {number}</ApplicationLink>] as const),
                  ...Object.entries(found.models).map(([name, number]) => [`model ${name}`, number === null ? "no champion" : <VersionLink key={name} of={`${name}/${number}`}>version {number}</VersionLink>] as const),
                ]}
              />
              {Object.keys(found.applications).length + Object.keys(found.models).length === 0 && <Empty>Nothing yet.</Empty>}
            </Panel>
            <Panel title="Proven to come back">
              {found.restorable ? <Facts of={[["restores proven", `${found.restorable.proven} of ${found.restorable.versions} versions`], ["oldest proof", moment(found.restorable.oldest_proof)]]} /> : <Empty>Your role does not see it.</Empty>}
            </Panel>
          </div>
          <Keeping />
          {may("retention:list") && <Holds />}
          {may("webhooks:list") && <Webhooks />}
        </>
      )}
    </Asked>
  );
}
