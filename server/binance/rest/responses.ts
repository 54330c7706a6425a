import { messageOf } from "../../platform/errors.ts";
import { FetchBoundError } from "../../platform/fetch/bounded-body.ts";
import type { BoundedAnswer } from "../../platform/fetch/bounded-fetch.ts";
import { certificateAdvice, foreignAnswer, redirectText } from "../../platform/fetch/foreign-answer.ts";

/** What became of one request. */
export type RestAnswer =
  /** `text` is the body, JSON, byte for byte as decoded from UTF-8; `roundTripMs` that of the request without any wait before it. */
  | { readonly kind: "ok"; readonly text: string; readonly roundTripMs: number }
  /** The exchange understood and said no: its own code (-1121: it has no such symbol; null for 404) and words. */
  | { readonly kind: "refused"; readonly status: number; readonly code: number | null; readonly msg: string }
  /** No answer that could be used; ask again, the client does not let anybody do so too early. */
  | { readonly kind: "failed"; readonly reason: string };

/** Trouble that concerns every request. */
export type RestTrouble = {
  /** Trouble of one kind in a row is told once. */
  readonly kind: string;
  /** For people: what happened and what to do. */
  readonly reason: string;
  /** How long nobody may ask, ms, where the exchange has said so; null: back off. */
  readonly pauseMs: number | null;
  /** Shortest pause where it has not, ms. */
  readonly leastMs: number;
};

/** Codes of an exchange that cannot answer now (errors.md): unknown error, disconnected, too many requests, time-out, overload. */
const passing: readonly number[] = [-1000, -1001, -1003, -1006, -1007, -1008, -1016, -1034];

const minuteMs = 60_000;

/** Reads a whole answer. */
export function readAnswer(answer: BoundedAnswer, roundTripMs: number): RestAnswer | RestTrouble {
  const { status, headers } = answer;
  const text = answer.text();
  const isJson = /^\s*[{[]/.test(text) && /[}\]]\s*$/.test(text);
  if (status === 429 || status === 418) return tooMuch(status, headers.get("retry-after"));
  if (status === 200 && isJson) return { kind: "ok", text, roundTripMs };
  // 407 and 511 are a proxy's and a network's own: the exchange has neither, nor does it redirect.
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

/** A request that got no answer at all. */
export function noAnswer(error: unknown): RestTrouble {
  const isLate = error instanceof FetchBoundError && error.name === "TimeoutError";
  if (error instanceof FetchBoundError && !isLate) {
    const reason = foreignAnswer(error.message, "exchange.rest_url");
    return { kind: "page", reason, pauseMs: null, leastMs: minuteMs / 6 };
  }
  const detail = isLate ? "it did not answer in time" : messageOf(error).replace(/\.?\s*Was there a typo.*$/, "");
  if (/certificate|self.signed|CERT_/i.test(detail)) {
    const reason = `no answer from the exchange (${detail}); ${certificateAdvice}`;
    return { kind: "certificate", reason, pauseMs: null, leastMs: minuteMs / 6 };
  }
  const reason = `no answer from the exchange (${detail}); check the network and exchange.rest_url`;
  return { kind: "network", reason, pauseMs: null, leastMs: 1000 };
}

/** What to wait beyond the end of a ban, and the longest ban there is (rest-api.md, "IP Limits"), ms. */
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
      ? "too many requests from this address; nothing is asked until the time is over. If it comes back, something else here uses the same address"
      : "this address is banned for a while after too many requests; nothing is asked until the ban ends. Find what else asks from this address";
  return { kind: String(status), reason: `HTTP ${status}: ${reason}`, pauseMs, leastMs: 1000 };
}

function advice(status: number, words: string): Pick<RestTrouble, "reason" | "leastMs"> {
  if (status === 403) {
    const what = "its firewall refused us; it mostly lets an address in again after some minutes";
    return { reason: `HTTP 403: ${what}`, leastMs: minuteMs };
  }
  if (status === 451) {
    const what =
      "it does not serve this country; try exchange.rest_url = https://data-api.binance.vision or another server";
    return { reason: `HTTP 451: ${what}`, leastMs: 5 * minuteMs };
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
