import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Bars } from "../../kit/Bars";
import { Panel } from "../../kit/Panel";
import { number, value } from "../../kit/show";

/** What each input added to what the model said, against the mean over the reference. */
export function Contributions({ id }: { id: string }) {
  const explained = useAsk("decisions:explain", { decision: id }, { staleTime: Number.POSITIVE_INFINITY, retry: false });
  return (
    <Panel title="What moved the model" aside={explained.data && `${explained.data.method.replaceAll("_", " ")}, on ${explained.data.scale}`}>
      <Asked query={explained}>
        {(found) => (
          <>
            <Bars
              label={`Contributions to ${found.target}`}
              bars={found.contributions.map((one) => ({
                name: one.feature,
                value: one.contribution,
                note: one.personal ? "personal" : `= ${value(one.value)}${one.standard_error ? `, ± ${number(one.standard_error)}` : ""}`,
              }))}
            />
            <p className="small dim">
              {number(found.baseline.value)} is the mean over {found.baseline.source}; with the contributions it comes to {number(found.total)}, which means the {found.target} served: {number(found.served)}.
            </p>
          </>
        )}
      </Asked>
    </Panel>
  );
}
