import { Button, Group, Modal, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Answer, Given } from "../api/call";
import { OF_DIALOG } from "../api/live";
import { useDo, useMay } from "../api/queries";
import { Changed, overtaken } from "./Changed";
import { Copies } from "./Copy";
import { ProblemPanel } from "./ProblemPanel";
import type { Commanded } from "./commands";

interface Props<A extends Commanded> {
  action: A;
  /** what the button says */
  label: string;
  /** everything but the reason */
  given: Omit<Given<A>, "reason">;
  /** whom it affects, in a sentence */
  affects: ReactNode;
  /** more that is to be filled in */
  children?: ReactNode;
  colour?: string;
  primary?: boolean;
  /** stands beside a heading */
  compact?: boolean;
  disabled?: boolean;
  /** what the person must type, where it cannot be undone */
  typed?: string;
  /** what is filled in or shown needs room */
  wide?: boolean;
  done?: (answer: Answer<A>) => void;
  /** of the state that the person sees and decides on, where it is a change of what is configured */
  etag?: string;
  /** called as the dialog opens: what is filled in begins with what stands there now */
  begin?: () => void;
}

/** A button for one action: it asks for the reason, says whom it affects, and gives the same as a command and as curl. Absent for who may not. */
export function Act<A extends Commanded>(props: Props<A>) {
  const [open, setOpen] = useState(false);
  if (!useMay()(props.action)) return null;
  return (
    <>
      <Button size={props.compact ? "compact-xs" : "xs"} variant={props.primary ? "filled" : "default"} color={props.colour} disabled={props.disabled} onClick={() => { props.begin?.(); setOpen(true); }}>
        {props.label}
      </Button>
      {open && <Dialog {...props} close={() => setOpen(false)} />}
    </>
  );
}

function Dialog<A extends Commanded>({ action, label, given, affects, children, colour, typed, wide, done, etag, close }: Props<A> & { close: () => void }) {
  const [reason, setReason] = useState("");
  const [name, setName] = useState("");
  // Of the state that was shown as the dialog opened: what others write meanwhile is not overwritten unseen.
  const [seen, see] = useState(etag);
  const doing = useDo(action, seen, OF_DIALOG);
  const whole = { ...given, reason } as unknown as Given<A>;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    doing.mutate(whole, {
      onSuccess: (answer) => {
        close();
        done?.(answer);
      },
    });
  };
  const goOn = (now: string) => {
    see(now);
    doing.reset();
  };
  return (
    <Modal opened onClose={close} title={label} size={wide ? "xl" : "md"} lockScroll={false} closeButtonProps={{ "aria-label": "close" }} centered transitionProps={{ duration: 0 }}>
      <form onSubmit={submit} className="stack">
        <div className="affects">{affects}</div>
        {children}
        <TextInput label="Reason" description="Stands in the audit log for good." required value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
        {typed && <TextInput label={`Type ${typed} to go on`} value={name} onChange={(event) => setName(event.currentTarget.value)} />}
        {doing.error && (overtaken(doing.error) ? <Changed problem={doing.error} goOn={goOn} leave={close} /> : <ProblemPanel problem={doing.error} />)}
        <Group justify="space-between">
          <Copies action={action} given={whole as object} etag={seen} />
          <Button type="submit" color={colour} loading={doing.isPending} disabled={!reason.trim() || (typed !== undefined && name !== typed)}>
            {label}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
