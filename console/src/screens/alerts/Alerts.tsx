import { useAsk } from "../../api/queries";
import { Filters } from "../../kit/Filters";
import { Listed } from "../../kit/Listed";
import { Heading, Panel } from "../../kit/Panel";
import { ALERT_KINDS, ALERT_STATES, alertWords } from "../../kit/words";
import { AlertRows } from "./AlertRows";

export interface AlertFilters {
  model: string;
  status: string;
  kind: string;
}

/** What monitoring found, newest first. */
export function Alerts({ model = "", status = "", kind = "" }: Partial<AlertFilters>) {
  const models = useAsk("models:list", {}).data ?? [];
  return (
    <>
      <Heading title="Alerts" under="What a model met or did that it was not made for." />
      <Panel>
        <Filters
          filters={[
            { name: "status", label: "State", choices: ALERT_STATES },
            { name: "kind", label: "Kind", choices: ALERT_KINDS.map((kind) => ({ value: kind, label: alertWords(kind) })) },
            { name: "model", label: "Model", choices: models.map((one) => one.model) },
          ]}
        />
      </Panel>
      <Panel title="Newest first">
        <Listed action="alerts:list" given={{ model, status, kind }} empty="No alert.">
          {(rows) => <AlertRows alerts={rows} />}
        </Listed>
      </Panel>
    </>
  );
}
