import { Button, CopyButton } from "@mantine/core";
import { BASE, type Sent } from "../api/call";

/** A request as curl; the token is left to the shell. */
export function curl({ verb, path, query, body }: Sent): string {
  const url = `${location.origin}${BASE.replace(/\/$/, "")}${path}${query}`;
  const parts = [`curl -sS -X ${verb} ${quoted(url)}`, '-H "Authorization: Bearer $TENURE_TOKEN"'];
  if (body) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
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
