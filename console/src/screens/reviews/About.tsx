import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useAsk, useMay } from "../../api/queries";
import { useState } from "react";

/** As many characters of a name in the log tell it from the others on a page. */
const SHORT = 8;

/** Whom or what a decision is about: its name in the log, and who that is for who asks and may know. That they asked is written down. */
export function About({ decision, pseudonym }: { decision: string; pseudonym: string | null }) {
  const [asked, ask] = useState(false);
  const found = useAsk("decisions:show", { decision }, { enabled: asked, staleTime: Number.POSITIVE_INFINITY, retry: false });
  const may = useMay();
  if (pseudonym === null) return <>—</>;
  const known = Object.entries(found.data?.personal ?? {});
  if (known.length > 0) {
    return <>{known.map(([name, each]) => <div key={name}>{name} {String(each)}</div>)}</>;
  }
  return (
    <span className="row tight">
      <Link to="/decisions" search={{ pseudonym }} className="mono" title={`${pseudonym}: all decisions about the same`}>{pseudonym.slice(0, SHORT)}</Link>
      {found.data ? <span className="dim small">erased, or not for your role</span> : found.error ? <span className="bad small">{found.error.message}</span> : may("decisions:personal") && (
        <Button size="compact-xs" variant="default" loading={found.isFetching} title="Reads the personal fields of this decision; the audit log says that you did" onClick={() => ask(true)}>Who?</Button>
      )}
    </span>
  );
}
