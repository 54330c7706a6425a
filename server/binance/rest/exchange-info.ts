import type { SymbolEntry } from "../../domain/symbols/instrument.ts";
import { structureProblem } from "../frames/payload.ts";
import { withoutBlanks } from "./answer-text.ts";
import { type ExchangeInfoText, readExchangeInfo } from "./exchange-info-text.ts";
import type { RestClient, RestQuery } from "./rest-client.ts";

/** What the exchange says about symbols. */
export type SymbolAnswer = {
  /** Status words (`TRADING`, `HALT`); null for symbols that the exchange does not know. Symbols that could not be read are absent. */
  readonly statuses: ReadonlyMap<string, string | null>;
  /** The entries of the symbols that the exchange knows. */
  readonly entries: readonly SymbolEntry[];
  /** Why the other entries cannot be stored as lines, by symbol. */
  readonly unusable: ReadonlyMap<string, string>;
  /** All symbols of the exchange if all were requested; otherwise null. */
  readonly all: readonly string[] | null;
};

/** Symbols in one request: keeps the URL below 4 KB. */
const perRequest = 100;

/** Most requests: each has the same weight as one request for all symbols. */
const mostRequests = 5;

const path = "/api/v3/exchangeInfo";
const weight = 20;

/** Longest answer, bytes. All symbols take about 15 MB today. */
const mostBytes = 64 * 1024 * 1024;

type Asking = {
  readonly rest: RestClient;
  readonly signal: AbortSignal;
  readonly nowUs: () => number;
};

/** An answer, with the time at which it had arrived. */
type Answered = ExchangeInfoText & { readonly recvUs: number };

/**
 * Asks for the statuses and entries of `symbols`; null if the exchange did not answer.
 *
 * 1. Symbols in `doubtful` are requested one by one, because the exchange refuses a whole list (-1121) for one unknown symbol.
 * 2. The other symbols are requested in lists.
 * 3. If a list is refused, or if 1 and 2 take too many requests, one request asks for all symbols of the exchange. It has the same weight
 *    and costs some MB more; the permission sets, most of the answer, are left out.
 *
 * Source: rest-api.md, "Exchange information".
 */
export async function askSymbols(
  asking: Asking,
  symbols: readonly string[],
  doubtful: ReadonlySet<string>,
): Promise<SymbolAnswer | null> {
  const single = symbols.filter((symbol) => doubtful.has(symbol));
  const listed = symbols.filter((symbol) => !doubtful.has(symbol));
  const lists = Array.from({ length: Math.ceil(listed.length / perRequest) }, (_, n) =>
    listed.slice(n * perRequest, (n + 1) * perRequest),
  );
  if (single.length + lists.length > mostRequests) return askAll(asking, symbols);
  const answer = emptyAnswer();
  for (const list of lists) {
    const answered = await ask(asking, { symbols: JSON.stringify(list) });
    if (answered === null) return null;
    if (answered === "refused") return askAll(asking, symbols);
    add(answer, answered, list);
  }
  for (const symbol of single) {
    const answered = await ask(asking, { symbol });
    if (answered === null) return null;
    if (answered === "refused") answer.statuses.set(symbol, null);
    else add(answer, answered, [symbol]);
  }
  return answer;
}

async function askAll(asking: Asking, symbols: readonly string[]): Promise<SymbolAnswer | null> {
  const answered = await ask(asking, {});
  if (answered === null || answered === "refused") return null;
  return { ...add(emptyAnswer(), answered, symbols), all: [...answered.entries.keys()] };
}

/** Creates an answer that says nothing yet. */
function emptyAnswer() {
  const statuses = new Map<string, string | null>();
  return { statuses, entries: [] as SymbolEntry[], unusable: new Map<string, string>(), all: null };
}

/** Adds what the exchange says about these symbols. While an entry is unreadable, it may be that of a symbol that seems to be absent. */
function add(answer: ReturnType<typeof emptyAnswer>, answered: Answered, symbols: readonly string[]) {
  const { entries, unreadable, recvUs, exchangeMs } = answered;
  for (const symbol of symbols) {
    const entry = entries.get(symbol);
    if (entry !== undefined || unreadable === 0) answer.statuses.set(symbol, entry?.status ?? null);
    if (entry === undefined) continue;
    const text = withoutBlanks(entry.text);
    const problem = lineProblem(text);
    if (problem === null) answer.entries.push({ symbol, text, recvUs, exchangeMs });
    else answer.unusable.set(symbol, problem);
  }
  return answer;
}

/** Longest entry that is stored, characters. Today's have about 2,000. */
const longestEntry = 256 * 1024;

/** Returns why an entry cannot be stored as a line; null if it can. */
function lineProblem(text: string): string | null {
  if (text.length > longestEntry) return `with ${text.length} characters`;
  return structureProblem(text, JSON.parse(text));
}

async function ask({ rest, signal, nowUs }: Asking, query: RestQuery): Promise<Answered | "refused" | null> {
  const whole = { ...query, showPermissionSets: "false" };
  const answer = await rest.get(path, whole, { weight, priority: "high", signal, mostBytes });
  if (answer.kind === "failed") return null;
  if (answer.kind === "refused") return "refused";
  const recvUs = nowUs();
  const read = await readExchangeInfo(answer.text);
  if (read === null || read.entries.size === 0) return null;
  if (read.isUnusual) rest.countUnusual(path);
  return { ...read, recvUs };
}
