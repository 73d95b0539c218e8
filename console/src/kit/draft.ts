import { useCallback, useState } from "react";

/** Text that survives a reload, a lost server and a closed tab, until it is dropped. */
export function useDraft(name: string): [string | null, (text: string | null) => void] {
  const key = `tenure-draft:${name}`;
  const [text, setText] = useState<string | null>(() => localStorage.getItem(key));
  const keep = useCallback(
    (next: string | null) => {
      setText(next);
      if (next === null) localStorage.removeItem(key);
      else localStorage.setItem(key, next);
    },
    [key],
  );
  return [text, keep];
}
