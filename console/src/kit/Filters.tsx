import { Button, Select, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import { usePlace } from "./place";

export interface Filter {
  /** its name in the address */
  name: string;
  label: string;
  placeholder?: string;
  /** what can be chosen, and how it is written; a text is typed without */
  choices?: readonly (string | { value: string; label: string })[];
  /** what stands for no choice */
  any?: string;
}

/** What a list is narrowed down by. It stands in the address, and the server does it; another question begins at the first page. */
export function Filters({ filters, cursor = "cursor" }: { filters: Filter[]; cursor?: string }) {
  const [search, go] = usePlace();
  const typed = filters.filter((filter) => !filter.choices);
  const inAddress = JSON.stringify(typed.map((filter) => search[filter.name] ?? ""));
  const [texts, setTexts] = useState<Record<string, string>>({});
  useEffect(() => {
    const values = JSON.parse(inAddress) as string[];
    setTexts(Object.fromEntries(typed.map((filter, place) => [filter.name, values[place] ?? ""])));
    // The fields follow the address, not the list of filters, which is made anew at every turn.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [inAddress]);
  const ask = (change: Record<string, string>) => go({ ...Object.fromEntries(Object.entries({ ...texts, ...change }).map(([name, text]) => [name, text.trim() || undefined])), [cursor]: undefined });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask({});
  };
  return (
    <form className="filters" onSubmit={submit} role="search">
      {filters.map((filter) =>
        filter.choices ? (
          <Select
            key={filter.name}
            label={filter.label}
            data={[{ value: "", label: filter.any ?? "any" }, ...filter.choices.map((one) => (typeof one === "string" ? { value: one, label: one } : one))]}
            value={search[filter.name] ?? ""}
            onChange={(value) => ask({ [filter.name]: value ?? "" })}
            allowDeselect={false}
          />
        ) : (
          <TextInput key={filter.name} label={filter.label} placeholder={filter.placeholder} value={texts[filter.name] ?? ""} onChange={(event) => setTexts({ ...texts, [filter.name]: event.currentTarget.value })} />
        ),
      )}
      {typed.length > 0 && <Button type="submit" variant="default">Search</Button>}
    </form>
  );
}
