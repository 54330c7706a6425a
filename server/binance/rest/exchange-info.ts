import type { SymbolEntry } from "../../domain/symbols/instrument.ts";
import { structureProblem } from "../frames/payload.ts";
import { withoutBlanks } from "./answer-text.ts";
import { type ExchangeInfoText, readExchangeInfo } from "./exchange-info-text.ts";
import type { RestClient, RestQuery } from "./rest-client.ts";

/** What the exchange says about symbols. */
export type SymbolAnswer = {
  /**
   * Status words (`TRADING`, `HALT`); null for symbols of which the exchange says that they do not exist (-1121). Symbols that could not be
   * read, or about which the exchange answered otherwise, are absent.
   */
  readonly statuses: ReadonlyMap<string, string | null>;
  /** The entries of the symbols that the exchange knows. */
  readonly entries: readonly SymbolEntry[];
  /** Why the other entries cannot be stored as lines, by symbol. */
  readonly unusable: ReadonlyMap<string, string>;
  /** New names of renamed symbols, if the exchange names them: an entry then mentions its former symbol, or its new symbol. */
  readonly successors: ReadonlyMap<string, string>;
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
 * 3. If a list is refused (-1121 or another error), or if 1 and 2 take too many requests, one request asks for all symbols of the exchange. It has the same weight
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
  if (single.length + lists.length > mostRequests) return askAll(asking, symbols, doubtful);
  const answer = emptyAnswer();
  for (const list of lists) {
    const answered = await ask(asking, { symbols: JSON.stringify(list) });
    if (answered === null) return null;
    if (answered === "unknown") return askAll(asking, symbols, new Set(symbols));
    if (answered === "refused") return askAll(asking, symbols, doubtful);
    add(answer, answered, list);
  }
  return (await addSingle(asking, answer, single)) ? answer : null;
}

/**
 * Asks for all symbols. Those that are absent and in `absentees` do not exist: the exchange has refused a list with them, or said so
 * before. The other absent symbols are asked for one by one, some at a time.
 */
async function askAll(
  asking: Asking,
  symbols: readonly string[],
  absentees: ReadonlySet<string>,
): Promise<SymbolAnswer | null> {
  const answered = await ask(asking, {});
  if (answered === null || typeof answered === "string") return null;
  const absent = symbols.filter((symbol) => !answered.entries.has(symbol));
  const doubted = new Set(absent.filter((symbol) => !absentees.has(symbol)));
  const answer = add(
    emptyAnswer(),
    answered,
    symbols.filter((symbol) => !doubted.has(symbol)),
  );
  await addSingle(asking, answer, [...doubted].slice(0, mostRequests));
  return { ...answer, all: [...answered.entries.keys()] };
}

/** Asks for symbols one by one; false if the exchange does not answer. A refusal other than -1121 leaves the symbol out. */
async function addSingle(asking: Asking, answer: ReturnType<typeof emptyAnswer>, symbols: readonly string[]) {
  for (const symbol of symbols) {
    const answered = await ask(asking, { symbol });
    if (answered === null) return false;
    if (answered === "unknown") answer.statuses.set(symbol, null);
    else if (answered !== "refused") add(answer, answered, [symbol]);
  }
  return true;
}

/** Creates an answer that says nothing yet. */
function emptyAnswer() {
  const statuses = new Map<string, string | null>();
  const successors = new Map<string, string>();
  return { statuses, entries: [] as SymbolEntry[], unusable: new Map<string, string>(), successors, all: null };
}

/** Adds what the exchange says about these symbols. While an entry is unreadable, it may be that of a symbol that seems to be absent. */
function add(answer: ReturnType<typeof emptyAnswer>, answered: Answered, symbols: readonly string[]) {
  const { entries, mentions, unreadable, recvUs, exchangeMs } = answered;
  for (const [symbol, texts] of mentions)
    for (const text of texts) {
      if (symbols.includes(text) && !entries.has(text)) answer.successors.set(text, symbol);
      if (symbols.includes(symbol) && entries.has(text)) answer.successors.set(symbol, text);
    }
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

/** Code of the answer that there is no such symbol. Source: errors.md, -1121. */
const noSuchSymbol = -1121;

/** "unknown": there is no such symbol. "refused": any other error. Null: no answer. */
async function ask(
  { rest, signal, nowUs }: Asking,
  query: RestQuery,
): Promise<Answered | "unknown" | "refused" | null> {
  const whole = { ...query, showPermissionSets: "false" };
  const answer = await rest.get(path, whole, { weight, priority: "high", signal, mostBytes });
  if (answer.kind === "failed") return null;
  if (answer.kind === "refused") return answer.code === noSuchSymbol ? "unknown" : "refused";
  const recvUs = nowUs();
  const read = await readExchangeInfo(answer.text);
  if (read === null || read.entries.size === 0) return null;
  if (read.isUnusual) rest.countUnusual(path);
  return { ...read, recvUs };
}
