import type { Schemas } from "../../api/call";
import { Act } from "../../kit/Act";
import { number } from "../../kit/show";
import { usePlacing } from "./Placing";

interface Published {
  application: string;
  given: { text: string; files: Record<string, string>; base: number };
  backtest: Schemas["BacktestAnswer"] | undefined;
  disabled: boolean;
  done: () => void;
}

/** The draft as a new revision, put where the person says. */
export function Publish({ application, given, backtest, disabled, done }: Published) {
  const placing = usePlacing(application, true);
  const tried = backtest ? `Of ${number(backtest.compared)} logged decisions ${number(backtest.changed)} would come out otherwise.` : "It has not been back-tested.";
  return (
    <Act action="applications:apply" label="Publish" primary disabled={disabled} given={{ ...given, ...placing.given }} affects={<>A new revision of <strong>{application}</strong> is made. {placing.says} {tried}</>} done={done}>
      {placing.fields}
    </Act>
  );
}
