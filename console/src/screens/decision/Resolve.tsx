import { JsonInput, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { Act } from "../../kit/Act";
import { fields } from "../../kit/show";

/** A person's review or override of the decision. */
export function Resolve({ decision }: { decision: Schemas["DecisionDetail"] }) {
  const [answer, setAnswer] = useState(JSON.stringify(decision.answer));
  const [code, setCode] = useState("");
  const pending = decision.resolutions.some((one) => one.pending);
  if (pending) {
    return <Act action="decisions:resolve" label="Confirm override" given={{ decision: decision.decision_id, confirm: true }} affects="The override that another person proposed comes into force." primary />;
  }
  return (
    <Act
      action="decisions:resolve"
      label={decision.status === "pending_review" ? "Review" : "Override"}
      primary={decision.status === "pending_review"}
      given={{ decision: decision.decision_id, answer: parsed(answer), code }}
      affects={<>The answer in force is <strong>{fields(decision.answer)}</strong>. What you write here stands beside it for good; the decision itself stays as it was made.</>}
    >
      <JsonInput label="Answer from now on" description="As it is, to confirm it; changed, to override it." value={answer} onChange={setAnswer} autosize minRows={2} validationError="This is not JSON" />
      <TextInput label="Code" description="What overrides are counted by" required value={code} onChange={(event) => setCode(event.currentTarget.value)} />
    </Act>
  );
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
