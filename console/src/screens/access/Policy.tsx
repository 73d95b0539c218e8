import { useAsk } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { Facts, Panel } from "../../kit/Panel";

interface Meant {
  says: string;
  versions: string;
  revisions: string;
  overrides: string;
  other: string;
}

const POLICIES: Record<string, Meant> = {
  open: {
    says: "one person is enough; the record says where it was the own work of who approved",
    versions: "deployed by whoever may, at once",
    revisions: "put in force by whoever may, at once",
    overrides: "in force as soon as they are written",
    other: "four-eyes",
  },
  "four-eyes": {
    says: "nobody approves the own work",
    versions: "approved by another person before they are deployed",
    revisions: "approved by another person before they answer anybody",
    overrides: "proposed by one person, confirmed by another",
    other: "open",
  },
};

/** Who approves what in this home. */
export function Policy() {
  const policy = useAsk("policy:show", {});
  return (
    <Asked query={policy}>
      {({ policy: name }) => {
        const meant = POLICIES[name];
        if (!meant) return null;
        const other = POLICIES[meant.other];
        const change = (
          <Act action="policy:set" label={`Make it ${meant.other}`} given={{ policy: meant.other as "open" }} etag={`"${name}"`} affects={<>From the next approval on, for everybody in this home: {other?.says}. Versions are {other?.versions}; revisions are {other?.revisions}; overrides are {other?.overrides}.</>} />
        );
        return (
          <Panel title="Who approves what" aside={change}>
            <Facts
              of={[
                ["policy", <span key="p"><strong>{name}</strong>: {meant.says}</span>],
                ["versions", meant.versions],
                ["revisions", meant.revisions],
                ["overrides", meant.overrides],
              ]}
            />
          </Panel>
        );
      }}
    </Asked>
  );
}
