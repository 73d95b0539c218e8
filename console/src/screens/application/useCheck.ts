import { useQuery } from "@tanstack/react-query";
import { type Answer, Problem, call } from "../../api/call";

export interface Fault {
  path: string;
  message: string;
  file: string;
  line: number;
  column: number;
}

/** A fault as the API tells it: what is wrong, and the lines that would mend it. */
interface Told {
  path: string;
  why: string;
  add?: string;
  file?: string;
  line: number;
  column: number;
}

function fault({ path, why, add, file, line, column }: Told): Fault {
  return { path, message: add ? `${why} (add: ${add})` : why, file: file ?? "", line, column };
}

/** What is wrong with a definition, each fault at its place; nothing when it could be published. */
export function useCheck(text: string, files: Record<string, string>): { faults: Fault[]; found: Answer<"rules:check"> | undefined; error: Problem | null } {
  const check = useQuery<Answer<"rules:check"> | Fault[], Problem>({
    queryKey: ["rules:check", text, files],
    queryFn: async ({ signal }) => {
      try {
        return await call("rules:check", { text, files }, signal);
      } catch (error) {
        const faults = error instanceof Problem ? (error.facts.problems as Told[] | undefined) : undefined;
        if (faults) return faults.map(fault);
        throw error;
      }
    },
    placeholderData: (before) => before,
  });
  if (Array.isArray(check.data)) return { faults: check.data, found: undefined, error: null };
  return { faults: [], found: check.data, error: check.error };
}
