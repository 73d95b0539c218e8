import { useAsk } from "../../api/queries";
import { Filters } from "../../kit/Filters";
import { Listed } from "../../kit/Listed";
import { Heading, Panel } from "../../kit/Panel";
import { AlertRows } from "./AlertRows";

export interface AlertFilters {
  model: string;
  status: string;
}

/** What monitoring found, newest first. */
export function Alerts({ model = "", status = "" }: Partial<AlertFilters>) {
  const models = useAsk("models:list", {}).data ?? [];
  return (
    <>
      <Heading title="Alerts" under="What a model met or did that it was not made for." />
      <Panel>
        <Filters
          filters={[
            { name: "status", label: "State", choices: ["open", "acknowledged", "resolved"] },
            { name: "model", label: "Model", choices: models.map((one) => one.model) },
          ]}
        />
      </Panel>
      <Panel title="Newest first">
        <Listed action="alerts:list" given={{ model, status }} empty="No alert.">
          {(rows) => <AlertRows alerts={rows} />}
        </Listed>
      </Panel>
    </>
  );
}
