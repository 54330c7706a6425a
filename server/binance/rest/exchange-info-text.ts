import { exchangeMs } from "../../domain/market/exchange-time.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { parseObject } from "./answer-text.ts";

/** An answer of `exchangeInfo`, cut into the texts of its entries. */
export type ExchangeInfoText = {
  /** By symbol. `text` is the entry byte for byte as sent. */
  readonly entries: ReadonlyMap<string, { readonly status: string; readonly text: string }>;
  /** Entries with members beyond those of today that hold a text: the symbol and these texts, among them perhaps a former or a new name. */
  readonly mentions: ReadonlyMap<string, readonly string[]>;
  /** Number of entries of an unknown form. It may be that of a symbol that is not in `entries`. */
  readonly unreadable: number;
  /** The exchange's time, ms; null if the answer names none. */
  readonly exchangeMs: number | null;
  /** True if the answer or an entry has members that are not known here. */
  readonly isUnusual: boolean;
};

/** Longest time that reading may block other work, ms: the answer with all symbols has some MB. */
const turnMs = 4;

const blank = /\s*/y;

/** Members of an answer and of its entries. Source: rest-api.md, "Exchange information". */
const knownMembers = new Set(["timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols", "sors"]);
const knownEntryMembers = new Set(
  (
    "symbol status baseAsset baseAssetPrecision quoteAsset quotePrecision quoteAssetPrecision baseCommissionPrecision " +
    "quoteCommissionPrecision orderTypes icebergAllowed ocoAllowed otoAllowed opoAllowed quoteOrderQtyMarketAllowed " +
    "allowTrailingStop cancelReplaceAllowed amendAllowed pegInstructionsAllowed isSpotTradingAllowed isMarginTradingAllowed " +
    "filters permissions permissionSets defaultSelfTradePreventionMode allowedSelfTradePreventionModes"
  ).split(" "),
);

/**
 * Cuts an answer into its entries. The order of members does not matter, and unknown members stay in the text. An entry that is not
 * readable fails alone. Null if the list is missing, cut off or damaged between its entries.
 */
export async function readExchangeInfo(text: string): Promise<ExchangeInfoText | null> {
  const turn = createTurn(turnMs);
  const entries = new Map<string, { status: string; text: string }>();
  const mentions = new Map<string, readonly string[]>();
  let unreadable = 0;
  let exchangeTime: number | null = null;
  let isUnusual = false;
  let hasList = false;
  let at = behindBlank(text, 0);
  if (text[at] !== "{") return null;
  at = behindBlank(text, at + 1);
  while (text[at] !== "}") {
    const nameEnd = text[at] === '"' ? endOfString(text, at) : -1;
    if (nameEnd < 0) return null;
    const name = text.slice(at + 1, nameEnd);
    isUnusual ||= !knownMembers.has(name);
    at = behindBlank(text, nameEnd + 1);
    if (text[at] !== ":") return null;
    at = behindBlank(text, at + 1);
    if (name === "symbols" && text[at] === "[") {
      const end = await readEntries(at);
      if (end === null) return null;
      hasList = true;
      at = end;
    } else {
      const end = endOfValue(text, at);
      if (end === null) return null;
      if (name === "serverTime") exchangeTime = timeOf(text.slice(at, end));
      at = end;
    }
    at = behindBlank(text, at);
    if (text[at] === ",") at = behindBlank(text, at + 1);
    else if (text[at] !== "}") return null;
  }
  return hasList ? { entries, mentions, unreadable, exchangeMs: exchangeTime, isUnusual } : null;

  /** Reads the list that begins at `from`. Returns the position behind it; null if it is damaged. */
  async function readEntries(from: number): Promise<number | null> {
    let at = behindBlank(text, from + 1);
    while (text[at] !== "]") {
      const end = text[at] === "{" ? endOfValue(text, at) : null;
      if (end === null) return null;
      const entry = text.slice(at, end);
      const head = headOf(entry);
      if (head === null) unreadable++;
      else {
        entries.set(head.symbol, { status: head.status, text: entry });
        isUnusual ||= head.isUnusual;
        if (head.mentions.length > 0) mentions.set(head.symbol, head.mentions);
      }
      at = behindBlank(text, end);
      if (text[at] === ",") at = behindBlank(text, at + 1);
      else if (text[at] !== "]") return null;
      await turn.giveWay();
    }
    return at + 1;
  }
}

function timeOf(text: string): number | null {
  return /^[1-9]\d{0,15}\s*$/.test(text) ? exchangeMs(Number(text)) : null;
}

type Head = {
  readonly symbol: string;
  readonly status: string;
  readonly isUnusual: boolean;
  readonly mentions: readonly string[];
};

function headOf(entry: string): Head | null {
  const data = parseObject(entry);
  if (data === null) return null;
  const { symbol, status } = data;
  const fresh = Object.entries(data).filter(([name]) => !knownEntryMembers.has(name));
  const mentions = fresh.map(([, value]) => value).filter((value) => typeof value === "string");
  return typeof symbol === "string" && typeof status === "string"
    ? { symbol, status, isUnusual: fresh.length > 0, mentions }
    : null;
}

/** Returns the position behind the value that begins at `at`; null if none begins there or it does not end. */
function endOfValue(text: string, at: number): number | null {
  let depth = 0;
  for (let pos = at; pos < text.length; pos++) {
    const code = text.charCodeAt(pos);
    if (code === quote) {
      pos = endOfString(text, pos);
      if (pos < 0) return null;
      if (depth === 0) return pos + 1;
    } else if (code === opening || code === openingList) depth++;
    else if (code === closing || code === closingList) {
      if (depth === 0) return pos > at ? pos : null;
      if (--depth === 0) return pos + 1;
    } else if (code === comma && depth === 0) return pos > at ? pos : null;
  }
  return null;
}

/** Returns the position of the quote that ends the string beginning at `at`; -1 if it does not end. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}

function behindBlank(text: string, at: number): number {
  blank.lastIndex = at;
  blank.test(text);
  return blank.lastIndex;
}

const quote = 34;
const openingList = 91;
const backslash = 92;
const closingList = 93;
const comma = 44;
const opening = 123;
const closing = 125;
