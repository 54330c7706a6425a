import { integer, oneOf } from "../../config/values.ts";
import {
  closeCode,
  closeReason,
  durationMs,
  httpStatus,
  optionalParameter,
  type Parameter,
  parameter,
  share,
  streamName,
  symbolName,
} from "./script-values.ts";

/** Every kind of fault: its effect while it lasts, and its own parameters with their defaults. */
export const faultKinds = {
  close: kind("closes connections, including new connections as soon as they are open", {
    code: parameter(closeCode, 1001),
    reason: parameter(closeReason, "Going away"),
  }),
  reset: kind("cuts TCP without a close frame, of new connections too", {}),
  shutdown: kind("announces serverShutdown, and ends those connections after lead_ms", {
    lead_ms: parameter(durationMs, 1000),
    code: parameter(closeCode, 1001),
  }),
  silent: kind("sends no data, answers and pings as ever", {}),
  "silent-no-pings": kind("sends no data, no replies and no pings", {}),
  "odd-control": kind("sends unsolicited control frames: pongs, pings without and with odd payloads", {}),
  stall: kind("holds data back and sends all of it in one burst at the end, in order", {}),
  late: kind("sends data delay_ms later, in order, as the slower of two sockets does", {
    delay_ms: parameter(durationMs, 500),
  }),
  duplicate: kind("sends data twice", {}),
  reorder: kind("swaps neighbours of a stream", {}),
  drop: kind("leaves data out", {}),
  malformed: kind("sends frames that are not JSON, damaged in the middle", {}),
  truncated: kind("sends the first half of frames", {}),
  binary: kind("sends frames as binary", {}),
  oversized: kind("adds a member of that many bytes to payloads", {
    bytes: parameter(integer(1, 64_000_000), 2_000_000),
  }),
  "empty-side": kind("sends partial books with an empty side", {
    side: parameter(oneOf(["bids", "asks", "both"]), "bids"),
  }),
  "thin-book": kind("sends partial books with fewer levels", { levels: parameter(integer(1, 20), 3) }),
  "unknown-fields": kind("adds undocumented members", { where: parameter(oneOf(["payload", "wrapper"]), "payload") }),
  "wrong-wrapper": kind("wraps what should be bare and the reverse, or words the wrapper in another order", {
    form: parameter(oneOf(["bare", "data-first"]), "bare"),
  }),
  "id-back": kind("restarts the ids lower, on every socket and for good; diffs stay a chain from there", {
    by: parameter(integer(1, 2 ** 50), 100_000),
  }),
  "id-hole": kind("leaves out a range of ids, on every socket and for good", {
    by: parameter(integer(1, 2 ** 50), 1000),
  }),
  "symbol-status": kind("gives a symbol another status; only TRADING symbols emit", {
    status: parameter(oneOf(["END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY", "absent"]), "HALT"),
  }),
  "refuse-connect": kind("answers WebSocket handshakes with an HTTP status", { status: parameter(httpStatus, 403) }),
  "rest-error": kind("answers REST requests with an HTTP status", { status: parameter(httpStatus, 503) }),
  "slow-handshake": kind("accepts TCP and answers the handshake delay_ms later", {
    delay_ms: parameter(durationMs, 2000),
  }),
  "refused-port": kind("cuts all connections and closes the port; the same port is back at the end", {}),
  "clock-offset": kind("moves /api/v3/time against the event times", {
    offset_ms: parameter(integer(-86_400_000_000, 86_400_000_000), 5000),
  }),
} as const satisfies Record<string, KindOf<Keys>>;

/** Scope of a fault; everything if left out. `scopeOf` says which of these a kind uses. */
export const scopeKeys = {
  /** The n-th connection ever accepted, from 1. */
  connection: optionalParameter(integer(1, 2 ** 31)),
  /** `btcusdt@aggTrade` */
  stream: optionalParameter(streamName),
  symbol: optionalParameter(symbolName),
  /** Hits one frame out of this many. */
  every: parameter(integer(1, 2 ** 31), 1),
  /** Share of the frames to hit, drawn by a seeded random generator. */
  share: parameter(share, 1),
  /** Hits at most this many frames; afterwards the fault goes on without effect. */
  times: optionalParameter(integer(1, 2 ** 31)),
} as const;

export type FaultKind = keyof typeof faultKinds;

/** Scope of a fault; see `scopeKeys`. */
export type FaultScope = Values<typeof scopeKeys>;

type OneFault<K extends FaultKind> = { readonly kind: K } & Partial<FaultScope> &
  Partial<Values<(typeof faultKinds)[K]["keys"]>>;

/** A fault as requested; missing parameters have their defaults. */
export type Fault = { [K in FaultKind]: OneFault<K> }[FaultKind];

/** A fault with every parameter and scope in place. */
export type CompleteFault = {
  [K in FaultKind]: { readonly kind: K } & FaultScope & Values<(typeof faultKinds)[K]["keys"]>;
}[FaultKind];

/** Fills in the defaults. */
export function completeFault(fault: Fault): CompleteFault {
  const defaults = Object.entries({ ...scopeKeys, ...faultKinds[fault.kind].keys });
  const values = Object.fromEntries(defaults.map(([name, { fallback }]) => [name, fallback]));
  const given = Object.fromEntries(Object.entries(fault).filter(([, value]) => value !== undefined));
  return { ...values, ...given } as CompleteFault;
}

/** The scopes that a kind uses. */
export function scopeOf(name: FaultKind): readonly (keyof FaultScope)[] {
  switch (name) {
    case "close":
    case "reset":
    case "shutdown":
    case "silent-no-pings":
    case "odd-control":
    case "refuse-connect":
    case "slow-handshake":
      return ["connection"];
    case "rest-error":
      return ["symbol"];
    case "symbol-status":
    case "id-back":
    case "id-hole":
      return ["symbol"];
    case "refused-port":
    case "clock-offset":
      return [];
    case "silent":
    case "stall":
    case "late":
      return ["connection", "stream", "symbol"];
    default:
      return ["connection", "stream", "symbol", "every", "share", "times"];
  }
}

/** Faults that do their work when they begin, and need not last. */
export function isInstant(name: FaultKind): boolean {
  return ["close", "reset", "shutdown", "odd-control", "id-back", "id-hole"].includes(name);
}

type Keys = Readonly<Record<string, Parameter<unknown>>>;
type KindOf<K extends Keys> = { readonly does: string; readonly keys: K };
type Values<K extends Keys> = { readonly [N in keyof K]: K[N] extends Parameter<infer T> ? T : never };

function kind<K extends Keys>(does: string, keys: K): KindOf<K> {
  return { does, keys };
}
