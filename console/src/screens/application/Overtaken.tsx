import { Alert, Button } from "@mantine/core";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { ApplicationLink } from "../../kit/Links";
import { moment, who } from "../../kit/show";
import { Differences } from "./Backtested";

interface Props {
  application: string;
  /** on which revision the draft began */
  base: number;
  /** what is in force now */
  now: number;
  goOn: () => void;
  drop: () => void;
}

/** Somebody else's revision came into force since the draft was begun: who, when, why, and what differs; the person chooses. */
export function Overtaken({ application, base, now, goOn, drop }: Props) {
  const history = useAsk("applications:history", { application }).data ?? [];
  const diff = useAsk("applications:diff", { application, one: base, other: now });
  const began = history.findIndex((one) => one.ref === `${application}/${base}`);
  const since = history.slice(0, began === -1 ? 1 : began);
  return (
    <Alert color="orange" role="alert" mb="sm" title={`The draft began on revision ${base}; in force is ${now}`}>
      <div className="stack">
        <ul className="plain">
          {since.map((one) => <li key={`${one.at} ${one.ref}`}>{moment(one.at)}: <strong>{who(one.actor)}</strong> put <ApplicationLink of={one.ref} /> in force{one.reason && `: ${one.reason}`}</li>)}
        </ul>
        <div><strong>What they changed</strong><Asked query={diff}>{(found) => <Differences changes={found.changes} />}</Asked></div>
        <div>Your draft is kept. What publishing it would change now, theirs included, stands at the end of this page.</div>
        <div className="row">
          <Button size="xs" color="orange" variant="light" onClick={goOn}>I have seen it, go on with my draft</Button>
          <Button size="xs" variant="default" onClick={drop}>Drop my draft</Button>
        </div>
      </div>
    </Alert>
  );
}
