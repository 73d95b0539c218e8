import { MultiSelect, Select } from "@mantine/core";
import { useState } from "react";
import { useAsk } from "../../api/queries";
import { ROLES } from "../../kit/words";

export type Role = (typeof ROLES)[number];

/** The fields for a role and its limits, what is sent for them, and the way to begin them anew. */
export function useRoleAndLimits(role: Role, applications: string[] = []) {
  const [chosen, choose] = useState<Role>(role);
  const [names, setNames] = useState(applications);
  const known = useAsk("applications:list", {}).data ?? [];
  const fields = (
    <>
      <Select label="Role" data={[...ROLES]} value={chosen} onChange={(next) => next && choose(next as Role)} allowDeselect={false} comboboxProps={{ withinPortal: false }} />
      <MultiSelect label="Only for these applications" description="None named means all that the role allows" data={known.map((one) => one.application)} value={names} onChange={setNames} comboboxProps={{ withinPortal: false }} />
    </>
  );
  const begin = (now: Role, only: string[]) => {
    choose(now);
    setNames(only);
  };
  return { fields, begin, given: { role: chosen, applications: names } };
}
