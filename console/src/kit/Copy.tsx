import { Button, CopyButton } from "@mantine/core";
import { BASE, type Sent, sent } from "../api/call";
import { type Commanded, command } from "./commands";
import { quoted } from "./quoting";

/** A request as curl; the token is left to the shell. */
export function curl({ verb, path, query, body, match }: Sent, etag?: string): string {
  const url = `${location.origin}${BASE.replace(/\/$/, "")}${path}${query}`;
  const parts = [`curl -sS -X ${verb} ${quoted(url)}`, '-H "Authorization: Bearer $TENURE_TOKEN"'];
  // Where the state is not known, whatever stands there is meant.
  if (match) parts.push(`-H ${quoted(`If-Match: ${etag || "*"}`)}`);
  if (body) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

export function Copied({ text, label }: { text: string; label: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button variant="subtle" size="compact-xs" onClick={copy} color={copied ? "teal" : "gray"}>
          {copied ? "copied" : label}
        </Button>
      )}
    </CopyButton>
  );
}

/** The same as what a button does or a list asks, to be copied: as a command, and as curl. */
export function Copies({ action, given, etag }: { action: Commanded; given: object; etag?: string | undefined }) {
  return (
    <span className="nowrap">
      <Copied text={command(action, given)} label="copy command" />
      <Copied text={curl(sent(action, given), etag)} label="copy curl" />
    </span>
  );
}
