import { Alert, Code } from "@mantine/core";

/** A secret that the server tells once and keeps nowhere. */
export function Once({ title, text, close }: { title: string; text: string; close: () => void }) {
  if (!text) return null;
  return (
    <Alert color="teal" mb="sm" withCloseButton onClose={close} closeButtonLabel="it is kept, hide it" title={title}>
      <Code block>{text}</Code>
    </Alert>
  );
}
