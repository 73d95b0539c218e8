// Who is asking. The session is a cookie that no script can read; what this page knows of it is its CSRF token.
import type { Schemas } from "./call";

let csrf = "";

/** What a write must carry to be this page's own. */
export function csrfToken(): string {
  return csrf;
}

export function noteSession(answer: Schemas["SessionAnswer"]): void {
  csrf = answer.csrf_token ?? "";
}
