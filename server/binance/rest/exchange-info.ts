import type { RestClient, RestQuery } from "./rest-client.ts";

/** What the exchange says of symbols: their status word (`TRADING`, `HALT`), or null for those that it does not know. */
export type SymbolStatuses = {
  readonly statuses: ReadonlyMap<string, string | null>;
  /** Every symbol that there is, where all were asked for. */
  readonly all: readonly string[] | null;
};

/** Symbols named in one request: an URL of 4 KB at most. */
const perRequest = 100;

/** So many requests, each of the weight of one for all symbols, are as many as are worth it. */
const mostRequests = 5;

const weight = 20;

/** All symbols are some 15 MB today. */
const mostBytes = 64 * 1024 * 1024;

/**
 * Asks for the statuses of `symbols`; null if the exchange did not answer. A list is refused as a whole (-1121) where one of it does
 * not exist. So those in `doubtful` are asked for one by one, the others in lists; where a list is refused, or that would be many
 * requests, all symbols of the exchange are asked for at once: the same weight, some MB more (without the permission sets, which
 * are most of it). Source: rest-api.md, "Exchange information".
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
    const found = await ask(rest, { symbols: JSON.stringify(list) }, signal);
    if (found === null) return null;
    if (found === "refused") return askAll(rest, symbols, signal);
    for (const symbol of list) statuses.set(symbol, found.get(symbol) ?? null);
  }
  for (const symbol of single) {
    const found = await ask(rest, { symbol }, signal);
    if (found === null) return null;
    statuses.set(symbol, found === "refused" ? null : (found.get(symbol) ?? null));
  }
  return { statuses, all: null };
}

async function askAll(
  rest: RestClient,
  symbols: readonly string[],
  signal: AbortSignal,
): Promise<SymbolStatuses | null> {
  const found = await ask(rest, {}, signal);
  if (found === null || found === "refused") return null;
  return { statuses: new Map(symbols.map((symbol) => [symbol, found.get(symbol) ?? null])), all: [...found.keys()] };
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

/** Answers of up to so many characters are parsed; what names a list of symbols is never longer. */
const parsedWhole = 1024 * 1024;

/** Null if a single entry is not of the documented form: a symbol that cannot be read must not pass for one that does not exist. */
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
