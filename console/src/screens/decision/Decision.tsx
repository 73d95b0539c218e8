import { Link } from "@tanstack/react-router";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { ApplicationLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { Heading, Panel } from "../../kit/Panel";
import { duration, moment } from "../../kit/show";
import { Contributions } from "./Contributions";
import { Dossier } from "./Dossier";
import { Frozen } from "./Frozen";
import { Replayed } from "./Replayed";
import { Resolve } from "./Resolve";
import { Steps } from "./Steps";
import { TryChange } from "./TryChange";

/** One decision: how it came about, why, whether it comes out the same again, and what people made of it. */
export function Decision({ id }: { id: string }) {
  const decision = useAsk("decisions:show", { decision: id });
  const why = useAsk("decisions:why", { decision: id });
  const may = useMay();
  return (
    <Asked query={decision}>
      {(found) => (
        <>
          <Heading
            title={<>Decision <span className="mono">{found.decision_id}</span></>}
            under={
              <>
                <ApplicationLink of={`${found.application}/${found.revision}`} />
                <span>{moment(found.at)}</span>
                <span>{duration(found.elapsed_us)}</span>
                <Mark of={found.decided_by} />
                <Mark of={found.status} />
                {found.personal && Object.entries(found.personal).map(([name, value]) => (
                  <Link key={name} to="/decisions" search={{ entity: String(value) }}>{name} {String(value)}: all decisions</Link>
                ))}
              </>
            }
            actions={<Resolve decision={found} />}
          />
          <div className="columns">
            <Panel title="How it came about">
              <Asked query={why}>{(reasons) => <Steps decision={found} why={reasons} />}</Asked>
            </Panel>
            <div>
              <Frozen decision={found} />
              {found.predictions.length > 0 && may("decisions:explain") && <Contributions id={id} />}
              {may("replay") && <Replayed id={id} />}
              {may("decisions:dossier") && <Dossier id={id} />}
              {may("rules:backtest") && <TryChange decision={found} />}
            </div>
          </div>
        </>
      )}
    </Asked>
  );
}
