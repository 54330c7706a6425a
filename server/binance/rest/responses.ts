import { messageOf } from "../../platform/errors.ts";
import { FetchBoundError } from "../../platform/fetch/bounded-body.ts";
import type { BoundedAnswer } from "../../platform/fetch/bounded-fetch.ts";
import { certificateAdvice, foreignAnswer, redirectText } from "../../platform/fetch/foreign-answer.ts";
import { type Route, throughProxy } from "../../platform/fetch/proxy-route.ts";
import { ProxyError } from "../../platform/fetch/proxy-trouble.ts";
import { Late } from "../../platform/time/deadline.ts";

/** The outcome of one request. */
export type RestAnswer =
  /** `text` is the JSON body, byte for byte as decoded from UTF-8. `roundTripMs` does not include the wait in the client. */
  | { readonly kind: "ok"; readonly text: string; readonly roundTripMs: number }
  /** The exchange refused, with its own code (-1121: unknown symbol; null for HTTP 404) and message. */
  | { readonly kind: "refused"; readonly status: number; readonly code: number | null; readonly msg: string }
  /** No usable answer. Ask again at once: the client delays the request as long as necessary. */
  | { readonly kind: "failed"; readonly reason: string };

/** A problem that affects every request. */
export type RestTrouble = {
  /** Consecutive problems of one kind are logged once. */
  readonly kind: string;
  /** What happened and what to do, in words. */
  readonly reason: string;
  /** Pause that the exchange has asked for, ms; null: back off. */
  readonly pauseMs: number | null;
  /** Shortest pause if the exchange has not asked for a pause, ms. */
  readonly leastMs: number;
};

/** Codes for temporary errors: unknown error, disconnected, too many requests, time-out, overload. Source: errors.md. */
const passing: readonly number[] = [-1000, -1001, -1003, -1006, -1007, -1008, -1016, -1034];

const minuteMs = 60_000;

/** Classifies a complete answer. */
export function readAnswer(answer: BoundedAnswer, roundTripMs: number): RestAnswer | RestTrouble {
  const { status, headers } = answer;
  const text = answer.text();
  const isJson = /^\s*[{[]/.test(text) && /[}\]]\s*$/.test(text);
  if (status === 429 || status === 418) return tooMuch(status, headers.get("retry-after"));
  if (status === 200 && isJson) return { kind: "ok", text, roundTripMs };
  // A proxy that forwards plain HTTP answers itself if it refuses.
  if (answer.proxy !== null && !isJson && status >= 300) {
    const reason = `${answer.proxy} answered HTTP ${status} in place of the exchange; check its login and its log`;
    return { kind: "proxy", reason, pauseMs: null, leastMs: minuteMs / 6 };
  }
  // Proxies send 407, networks with a login page 511. The exchange sends neither, and no redirect.
  if (status < 400 || status === 407 || status === 511) {
    const seen = status < 300 ? `HTTP ${status} that is not JSON` : redirectText(status, headers.get("location"));
    return { kind: "page", reason: foreignAnswer(seen, "exchange.rest_url"), pauseMs: null, leastMs: minuteMs / 6 };
  }
  if (status === 404) return { kind: "refused", status, code: null, msg: "there is no such endpoint at this address" };
  const error = isJson ? errorOf(text) : null;
  if (status >= 400 && status < 500 && status !== 403 && status !== 451 && error !== null) {
    if (!passing.includes(error.code)) return { kind: "refused", status, ...error };
  }
  const words = error === null || error.msg === "" ? "" : ` (${error.msg})`;
  return { kind: String(status), ...advice(status, words), pauseMs: null };
}

/** Classifies a request without any answer. `route` is the way that it took. */
export function noAnswer(error: unknown, route: Route): RestTrouble {
  if (error instanceof ProxyError)
    return { kind: "proxy", reason: error.message, pauseMs: null, leastMs: minuteMs / 6 };
  if (route.kind === "unusable") return { kind: "proxy", reason: route.problem, pauseMs: null, leastMs: minuteMs / 6 };
  const isLate = error instanceof Late;
  if (error instanceof FetchBoundError) {
    const reason = foreignAnswer(error.message, "exchange.rest_url");
    return { kind: "page", reason, pauseMs: null, leastMs: minuteMs / 6 };
  }
  const detail = isLate
    ? `it did not answer in time${throughProxy(route)}`
    : messageOf(error).replace(/\.?\s*Was there a typo.*$/, "");
  if (/certificate|self.signed|CERT_/i.test(detail)) {
    const reason = `no answer from the exchange (${detail}); ${certificateAdvice}`;
    return { kind: "certificate", reason, pauseMs: null, leastMs: minuteMs / 6 };
  }
  const reason = `no answer from the exchange (${detail}); check the network and exchange.rest_url`;
  return { kind: "network", reason, pauseMs: null, leastMs: 1000 };
}

/** Extra wait after the end of a ban, and the longest ban, ms. Source: rest-api.md, "IP Limits". */
const graceMs = 500;
const longestBanMs = 3 * 86_400_000;

function tooMuch(status: 429 | 418, retryAfter: string | null): RestTrouble {
  const seconds = Number(retryAfter);
  const known = retryAfter !== null && Number.isFinite(seconds) && seconds >= 0;
  const pauseMs = known
    ? Math.min(longestBanMs, Math.max(1, seconds) * 1000) + graceMs
    : status === 429
      ? minuteMs
      : 2 * minuteMs;
  const reason =
    status === 429
      ? "too many requests from this address; requests pause for the time that the exchange demands. If this comes back, another program uses the same address"
      : "this address is banned for a while after too many requests; requests pause until the ban ends. Find the other program that uses this address";
  return { kind: String(status), reason: `HTTP ${status}: ${reason}`, pauseMs, leastMs: 1000 };
}

function advice(status: number, words: string): Pick<RestTrouble, "reason" | "leastMs"> {
  if (status === 403) {
    const hint = "its firewall refused this address; it usually accepts the address again after some minutes";
    return { reason: `HTTP 403: ${hint}`, leastMs: minuteMs };
  }
  if (status === 451) {
    const hint =
      "it does not serve this country; try exchange.rest_url = https://data-api.binance.vision or another server";
    return { reason: `HTTP 451: ${hint}`, leastMs: 5 * minuteMs };
  }
  if (status >= 500) return { reason: `HTTP ${status}: the exchange cannot answer now${words}`, leastMs: 1000 };
  return { reason: `HTTP ${status}: an answer of an unknown form${words}; check exchange.rest_url`, leastMs: 10_000 };
}

function errorOf(text: string): { code: number; msg: string } | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("code" in value) || typeof value.code !== "number")
      return null;
    const msg = "msg" in value && typeof value.msg === "string" ? value.msg.slice(0, 200) : "";
    return { code: value.code, msg };
  } catch {
    return null;
  }
}
