import type { Schemas } from "../../api/call";
import { Mark } from "../../kit/Marks";

/** Which tests pass, and what none of them reaches. */
export function Tested({ found }: { found: Schemas["TestedAnswer"] }) {
  const failed = found.tests.filter((test) => !test.passed);
  const uncovered = found.coverage.filter((one) => one.fired === 0);
  return (
    <div className="outcome">
      <div className="row">
        <Mark of={found.passed ? "passed" : "failed"} /> {found.tests.length - failed.length} of {found.tests.length} tests pass
        {uncovered.length > 0 && <span className="dim">· no test reaches {uncovered.map((one) => one.rule).join(", ")}</span>}
      </div>
      <ul className="plain">
        {failed.map((test) => <li key={test.number}>test {test.number}: {test.problems.join("; ")}</li>)}
      </ul>
    </div>
  );
}
