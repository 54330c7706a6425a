import { signal } from "@preact/signals";
import { pagePath } from "../../../server/domain/pages.ts";
import type { SessionAnswer } from "../../../server/http/auth/session-api.ts";
import { address, inside, path, route } from "../browser/route.ts";

/** True where there is a password and this browser is logged in: then one can log out. */
export const loggedIn = signal(false);

/** What trying a password came to; `waitSeconds` is how long no other is looked at. */
export type LoginAnswer =
  | { readonly kind: "in" }
  | {
      readonly kind: "wrong_password" | "too_many_attempts" | "login_busy" | "offline";
      readonly waitSeconds: number;
    };

const patienceMs = 10_000;

/** Asks the recorder whether this browser is logged in; goes to the login page if not, and away from it if so. */
export async function checkSession(): Promise<void> {
  const answer = await request("GET").catch(() => null);
  if (answer === null || !answer.ok) return;
  const { password, logged_in } = (await answer.json()) as SessionAnswer;
  loggedIn.value = password && logged_in;
  if (!logged_in) toLogin();
  else if (route.value.page === "login") enter();
}

/** Goes to the login page, which leads back to where we are. */
export function toLogin(): void {
  if (route.value.page === "login") return;
  location.replace(address(`${pagePath("login")}?to=${encodeURIComponent(path())}`));
}

/** Goes to where one wanted to go before the login page came, if that is a page of ours. */
export function enter(): void {
  location.replace(inside(new URLSearchParams(location.search).get("to") ?? ""));
}

/** Tries a password. */
export async function logIn(password: string): Promise<LoginAnswer> {
  const answer = await request("POST", JSON.stringify({ password })).catch(() => null);
  if (answer?.ok) return { kind: "in" };
  const waitSeconds = Number(answer?.headers.get("retry-after") ?? 0);
  const kinds = { 401: "wrong_password", 429: "too_many_attempts", 503: "login_busy" } as const;
  return { kind: kinds[answer?.status as keyof typeof kinds] ?? "offline", waitSeconds };
}

/** Ends the session, here and in the browser's other windows. */
export async function logOut(): Promise<void> {
  const answer = await request("DELETE").catch(() => null);
  if (answer?.ok) location.replace(address(pagePath("login")));
}

function request(method: string, body: string | null = null): Promise<Response> {
  const headers: Record<string, string> = body === null ? {} : { "content-type": "application/json" };
  return fetch(address("api/session"), { method, body, headers, signal: AbortSignal.timeout(patienceMs) });
}
