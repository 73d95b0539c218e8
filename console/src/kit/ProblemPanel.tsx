import { Alert, Button } from "@mantine/core";
import { Problem } from "../api/call";

/** A problem with its next step. */
export function ProblemPanel({ problem, again }: { problem: Error; again?: () => void }) {
  const known = problem instanceof Problem ? problem : null;
  return (
    <Alert color="red" title={known?.title ?? "The console made a mistake"} role="alert" className="problem">
      <p className="pre">{problem.message}</p>
      {known?.nextStep && (
        <p>
          <strong>Next step:</strong> {known.nextStep}
        </p>
      )}
      {again && (
        <Button size="xs" variant="light" color="red" onClick={again}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
