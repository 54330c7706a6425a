import { treaty } from "@elysiajs/eden/treaty2";
import type { HttpApi } from "../../../server/http/server.ts";
import { address } from "../browser/route.ts";
import { toLogin } from "./session.ts";

/** The recorder's API, typed by its routes. Dates stay the texts that they are typed as. */
export const api = treaty<HttpApi>(address("").replace(/\/$/, ""), { parseDate: false });

/** Given with each request: nothing is waited for longer than ten seconds. */
export const patience = () => ({ fetch: { signal: AbortSignal.timeout(10_000) } });

/** What asking came to: the answer, or the stable code of the error (`offline` where nobody answered). */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string };

/** Waits for a request of `api` and never rejects. Where the recorder wants to be asked for by somebody logged in, that comes first. */
export async function ask<T>(
  request: Promise<{ data: T | null; error: unknown; status: number }>,
): Promise<Answer<NonNullable<T>>> {
  try {
    const { data, error } = await request;
    if (data !== null && data !== undefined) return { ok: true, value: data };
    const code = codeOf(error);
    if (code === "login_required") toLogin();
    return { ok: false, code };
  } catch {
    return { ok: false, code: "offline" };
  }
}

function codeOf(error: unknown): string {
  const value = error as { value?: { error?: { code?: unknown } } } | null;
  const code = value?.value?.error?.code;
  return typeof code === "string" ? code : "offline";
}
