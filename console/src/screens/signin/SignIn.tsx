import { Button, Paper, PasswordInput, SegmentedControl, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useSignIn } from "../../api/queries";
import { ProblemPanel } from "../../kit/ProblemPanel";

const WAYS = [
  { value: "account", label: "Account" },
  { value: "token", label: "Token" },
];

/** Who are you? By an account of this home or by a token; a one-time link needs no form. */
export function SignIn() {
  const [way, setWay] = useState("account");
  const [user, setUser] = useState("");
  const [secret, setSecret] = useState("");
  const signIn = useSignIn();
  const isAccount = way === "account";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(isAccount ? { user: user.trim(), password: secret } : { token: secret.trim() });
  };
  return (
    <main className="signin">
      <Paper withBorder p="xl" radius="md" shadow="sm">
        <form onSubmit={submit} className="stack">
          <h1>Sign in to Tenure</h1>
          <SegmentedControl aria-label="Sign in with" data={WAYS} value={way} onChange={(value) => { setWay(value); setSecret(""); signIn.reset(); }} />
          {isAccount && <TextInput label="Name" required value={user} onChange={(event) => setUser(event.currentTarget.value)} autoComplete="username" />}
          <PasswordInput
            label={isAccount ? "Password" : "Token"}
            required
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            autoComplete={isAccount ? "current-password" : "off"}
            visibilityToggleButtonProps={{ "aria-label": "show what is typed" }}
          />
          {signIn.error && <ProblemPanel problem={signIn.error} />}
          <Button type="submit" loading={signIn.isPending} disabled={!secret.trim() || (isAccount && !user.trim())}>
            Sign in
          </Button>
          <p className="dim small">On the machine itself, <code>tenure users link</code> prints a link that signs you in.</p>
        </form>
      </Paper>
    </main>
  );
}
