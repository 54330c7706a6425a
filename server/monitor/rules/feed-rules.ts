import type { GapCause } from "../../domain/gap.ts";
import type { Status, StreamStatus, SymbolStatus } from "../../domain/status.ts";
import { parseStreamType } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import type { FindRule, RuleTable } from "./rule.ts";

/** Gap causes that concern a whole connection, not a single stream. */
const connectionCauses: readonly GapCause[] = ["reconnect", "exchange_down", "serverShutdown"];

/** Closing threshold of a delay, as a share of its opening threshold. */
const delayRelief = 0.8;

/** Finds lost connections: no connection delivers ("network down"), or a connection is not open. Successors of a rollover do not count. */
const disconnected: FindRule<"disconnected"> = ({ seen: { status }, nowUs, settings }) => {
  const current = status.connections.filter(({ role }) => role === "current");
  if (current.length === 0) return "unknown";
  const closed = current.filter(({ state }) => state !== "open");
  const isDown = closed.length === current.length || isNothingReceived(status);
  if (!isDown && closed.length === 0) return null;
  const fromUs = isDown ? newestReceipt(status) : null;
  const since = fromUs ?? Math.min(...closed.map(({ since_us }) => since_us), nowUs);
  return {
    severity: isDown ? "critical" : "warning",
    subjects: [...new Set((isDown ? current : closed).map(({ host }) => host))].sort(),
    value: Math.round((nowUs - since) / 1e6),
    limit: settings.hold_s,
    detail: closed.find(({ last_error }) => last_error !== null)?.last_error ?? null,
    fromUs,
    isPartial: !isDown,
  };
};

/** Finds connections that are lost again and again. */
const reconnectStorm: FindRule<"reconnect_storm"> = ({ seen, nowUs, settings, isRaised, sinceUs }) => {
  const fromUs = Math.max(nowUs - settings.window_s * 1e6, sinceUs);
  const within = seen.reconnectsUs.filter((us) => us > fromUs);
  const limit = settings.warning_count;
  if (within.length < (isRaised ? Math.max(1, limit / 2) : limit)) return null;
  const last = seen.status.connections.find(({ last_error }) => last_error !== null);
  return {
    severity: "warning",
    subjects: [...new Set(seen.status.connections.map(({ host }) => host))].sort(),
    value: within.length,
    limit,
    detail: last?.last_error ?? null,
    fromUs: within[0] ?? null,
  };
};

/** Finds streams that deliver no messages while others do. All of them together are one incident. */
const stale: FindRule<"stale"> = ({ seen: { status }, nowUs, settings, sinceUs, open }) => {
  const isAnyClosed = status.connections.some(({ role, state }) => role === "current" && state !== "open");
  const subjects: string[] = [];
  let fromUs = nowUs;
  let held = 0;
  let symbols = 0;
  for (const symbol of status.symbols) {
    if (["halted", "delisted", "unknown"].includes(symbol.state)) continue;
    const silent = symbol.streams.filter((stream) => isSilent(stream, symbol));
    if (silent.length === 0) continue;
    symbols++;
    fromUs = Math.min(fromUs, ...silent.map(({ gap }) => gap?.from_us ?? status.started_us));
    held += silent.filter(({ gap }) => gap !== null).length;
    if (silent.length === symbol.streams.length) subjects.push(symbol.symbol);
    else subjects.push(...silent.map(({ stream }) => `${symbol.symbol} ${parseStreamType(stream)?.folder ?? stream}`));
  }
  if (subjects.length === 0) return open !== null && nowUs - sinceUs < settings.hold_s * 1e6 ? "unknown" : null;
  return {
    severity: symbols > 1 && symbols * 2 >= status.symbols.length ? "critical" : "warning",
    subjects: subjects.sort(),
    value: Math.round((nowUs - fromUs) / 1e6),
    limit: settings.hold_s,
    detail: null,
    fromUs,
    isHeld: held > 0,
  };

  /** Tests whether a stream is silent. A trade stream that never delivered may simply have had no trades. */
  function isSilent({ stream, gap, last_recv_us }: StreamStatus, symbol: SymbolStatus): boolean {
    if (gap !== null) {
      if (gap.cause === "halted" || (isAnyClosed && connectionCauses.includes(gap.cause))) return false;
      return nowUs - Math.max(gap.from_us, sinceUs) >= settings.hold_s * 1e6;
    }
    if (last_recv_us !== null || nowUs - Math.max(status.started_us, sinceUs) < settings.never_s * 1e6) return false;
    const kind = parseStreamType(stream)?.kind;
    return kind === undefined || streamKinds[kind].isSteady || symbol.last_recv_us === null;
  }
};

/** Finds symbols whose messages arrive late. */
const delay: FindRule<"delay"> = ({ seen, settings, isRaised }) => {
  const limit = settings.warning_ms * (isRaised ? delayRelief : 1);
  const known = seen.status.symbols.filter(({ delay_ms }) => delay_ms !== null);
  if (known.length === 0) return "unknown";
  const late = known.filter(({ delay_ms }) => (delay_ms ?? 0) > limit);
  if (late.length === 0) return null;
  const value = Math.max(...late.map(({ delay_ms }) => delay_ms ?? 0));
  return {
    severity: value > settings.critical_ms ? "critical" : "warning",
    subjects: late.map(({ symbol }) => symbol).sort(),
    value,
    limit: settings.warning_ms,
    detail: null,
  };
};

/** Tests whether every stream that should deliver has a gap, even if its connection claims to be open. */
function isNothingReceived({ symbols }: Pick<Status, "symbols">): boolean {
  const expected = symbols.filter(({ state }) => state === "trading" || state === "unchecked");
  return (
    expected.length > 0 &&
    expected.every(({ streams }) => streams.every(({ gap }) => gap !== null && gap.cause !== "halted"))
  );
}

function newestReceipt({ symbols, started_us }: Pick<Status, "symbols" | "started_us">): number {
  return symbols.reduce((newest, { last_recv_us }) => Math.max(newest, last_recv_us ?? 0), started_us);
}

/** The rules of this file by name. */
export const feedRules = {
  disconnected,
  reconnect_storm: reconnectStorm,
  stale,
  delay,
} satisfies Partial<RuleTable>;
