import type { RestClient, RestQuery } from "./rest-client.ts";

/** Status words of symbols (`TRADING`, `HALT`); null for symbols that the exchange does not know. */
export type SymbolStatuses = {
  readonly statuses: ReadonlyMap<string, string | null>;
  /** All symbols of the exchange if all were requested; otherwise null. */
  readonly all: readonly string[] | null;
};

/** Symbols in one request: keeps the URL below 4 KB. */
const perRequest = 100;

/** Most requests: each has the same weight as one request for all symbols. */
const mostRequests = 5;

const weight = 20;

/** Longest answer, bytes. All symbols take about 15 MB today. */
const mostBytes = 64 * 1024 * 1024;

/**
 * Asks for the statuses of `symbols`; null if the exchange did not answer.
 *
 * 1. Symbols in `doubtful` are requested one by one, because the exchange refuses a whole list (-1121) for one unknown symbol.
 * 2. The other symbols are requested in lists.
 * 3. If a list is refused, or if 1 and 2 take too many requests, one request asks for all symbols of the exchange. It has the same weight
 *    and costs some MB more; the permission sets, most of the answer, are left out.
 *
 * Source: rest-api.md, "Exchange information".
 */
export async function askStatuses(
  rest: RestClient,
  symbols: readonly string[],
  options: { doubtful: ReadonlySet<string>; signal: AbortSignal },
): Promise<SymbolStatuses | null> {
  const { doubtful, signal } = options;
  const single = symbols.filter((symbol) => doubtful.has(symbol));
  const listed = symbols.filter((symbol) => !doubtful.has(symbol));
  const lists = Array.from({ length: Math.ceil(listed.length / perRequest) }, (_, n) =>
    listed.slice(n * perRequest, (n + 1) * perRequest),
  );
  if (single.length + lists.length > mostRequests) return askAll(rest, symbols, signal);
  const statuses = new Map<string, string | null>();
  for (const list of lists) {
    const answered = await ask(rest, { symbols: JSON.stringify(list) }, signal);
    if (answered === null) return null;
    if (answered === "refused") return askAll(rest, symbols, signal);
    for (const symbol of list) statuses.set(symbol, answered.get(symbol) ?? null);
  }
  for (const symbol of single) {
    const answered = await ask(rest, { symbol }, signal);
    if (answered === null) return null;
    statuses.set(symbol, answered === "refused" ? null : (answered.get(symbol) ?? null));
  }
  return { statuses, all: null };
}

async function askAll(
  rest: RestClient,
  symbols: readonly string[],
  signal: AbortSignal,
): Promise<SymbolStatuses | null> {
  const answered = await ask(rest, {}, signal);
  if (answered === null || answered === "refused") return null;
  return {
    statuses: new Map(symbols.map((symbol) => [symbol, answered.get(symbol) ?? null])),
    all: [...answered.keys()],
  };
}

async function ask(
  rest: RestClient,
  query: RestQuery,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | "refused" | null> {
  const whole = { ...query, showPermissionSets: "false" };
  const answer = await rest.get("/api/v3/exchangeInfo", whole, { weight, priority: "high", signal, mostBytes });
  if (answer.kind === "failed") return null;
  if (answer.kind === "refused") return "refused";
  const statuses = answer.text.length <= parsedWhole ? parsedStatuses(answer.text) : statusesIn(answer.text);
  return statuses === null || statuses.size === 0 ? null : statuses;
}

/** Answers up to this length are parsed, characters. An answer to a list of symbols is never longer. */
const parsedWhole = 1024 * 1024;

/** Reads the statuses; null if any entry has an unknown form. Otherwise an unreadable symbol would look like an unknown symbol. */
function parsedStatuses(text: string): ReadonlyMap<string, string> | null {
  let entries: unknown;
  try {
    entries = (JSON.parse(text) as { symbols?: unknown } | null)?.symbols;
  } catch {
    return null;
  }
  if (!Array.isArray(entries)) return null;
  const statuses = new Map<string, string>();
  for (const entry of entries as readonly ({ symbol?: unknown; status?: unknown } | null)[]) {
    if (typeof entry?.symbol !== "string" || typeof entry.status !== "string") return null;
    statuses.set(entry.symbol, entry.status);
  }
  return statuses;
}

/** All is some MB, which would take too long to parse in one go, and all else in it is of no use here. Null if it is cut or damaged. */
function statusesIn(text: string): ReadonlyMap<string, string> | null {
  if (!/\}\s*\]\s*[},]/.test(text.slice(-65_536))) return null;
  const statuses = new Map<string, string>();
  for (const [, symbol = "", status = ""] of text.matchAll(/\{"symbol":"((?:[^"\\]|\\.)*)","status":"([A-Z_]+)"/g)) {
    const name = symbol.includes("\\") ? unescaped(symbol) : symbol;
    if (name === null) return null;
    statuses.set(name, status);
  }
  let entries = 0;
  for (let at = text.indexOf('"baseAsset":'); at >= 0; at = text.indexOf('"baseAsset":', at + 1)) entries++;
  return entries > statuses.size ? null : statuses;
}

function unescaped(text: string): string | null {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return null;
  }
}
