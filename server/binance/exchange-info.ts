import type { RestClient, RestQuery } from "./rest.ts";

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
  const answer = await rest.get("/api/v3/exchangeInfo", whole, { weight, priority: "high", signal });
  if (answer.kind === "failed") return null;
  if (answer.kind === "refused") return "refused";
  const statuses = statusesIn(answer.text);
  return statuses.size === 0 ? null : statuses;
}

/** All is some MB, which would take too long to parse in one go, and all else in it is of no use here. */
function statusesIn(text: string): ReadonlyMap<string, string> {
  const statuses = new Map<string, string>();
  for (const [, symbol = "", status = ""] of text.matchAll(/\{"symbol":"((?:[^"\\]|\\.)*)","status":"([A-Z_]+)"/g))
    statuses.set(symbol.includes("\\") ? String(JSON.parse(`"${symbol}"`)) : symbol, status);
  return statuses;
}
