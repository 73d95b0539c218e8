import { sent } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Copied, curl } from "../../kit/Copy";
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

/** Who approves what in this home; it is read here, and changed by an admin over the API. */
export function Policy() {
  const policy = useAsk("policy:show", {});
  return (
    <Asked query={policy}>
      {({ policy: name }) => {
        const meant = POLICIES[name];
        if (!meant) return null;
        const change = curl(sent("policy:set", { policy: meant.other, reason: "agreed by …" }));
        return (
          <Panel title="Who approves what" aside={<Copied text={change} label={`copy curl that makes it ${meant.other}`} />}>
            <Facts
              of={[
                ["policy", <span key="p"><strong>{name}</strong>: {meant.says}</span>],
                ["versions", meant.versions],
                ["revisions", meant.revisions],
                ["overrides", meant.overrides],
                ["to change it", `an admin sets it over the API, with a reason that stands in the audit log; it holds from the next approval on`],
              ]}
            />
          </Panel>
        );
      }}
    </Asked>
  );
}
