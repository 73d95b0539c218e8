import { useMay } from "../../api/queries";
import { Heading } from "../../kit/Panel";
import { Policy } from "./Policy";
import { Sessions } from "./Sessions";
import { Tokens } from "./Tokens";
import { Users } from "./Users";

/** Who may come in: accounts, tokens, sessions. */
export function Access() {
  const may = useMay();
  return (
    <>
      <Heading title="Access" under="Who may come in, as what, and until when; and who approves what." />
      {may("users:list") && <Users />}
      <Tokens />
      {may("sessions:list") && <Sessions />}
      {may("policy:show") && <Policy />}
    </>
  );
}
