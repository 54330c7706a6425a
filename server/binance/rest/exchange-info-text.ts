import { createTurn } from "../../platform/time/timers.ts";

/** An answer of `exchangeInfo`, cut into the texts of its entries. */
export type ExchangeInfoText = {
  /** By symbol. `text` is the entry byte for byte as sent. */
  readonly entries: ReadonlyMap<string, { readonly status: string; readonly text: string }>;
  /** Number of entries of an unknown form. It may be that of a symbol that is not in `entries`. */
  readonly unreadable: number;
  /** The exchange's time, ms; null if the answer names none. */
  readonly exchangeMs: number | null;
};

/** Longest time that reading may block other work, ms: the answer with all symbols has some MB. */
const turnMs = 4;

/** Times from this value on are in µs, lower times in ms. */
const microseconds = 1e14;

const listStart = /"symbols"\s*:\s*\[\s*(?=[{\]])/;
const serverTime = /"serverTime"\s*:\s*(\d{1,16})/;
const blank = /\s*/y;

/**
 * Cuts an answer into its entries. The order of members does not matter, and unknown members stay in the text. An entry that is not
 * readable fails alone. Null if the list is missing, cut off or damaged between its entries.
 */
export async function readExchangeInfo(text: string): Promise<ExchangeInfoText | null> {
  const turn = createTurn(turnMs);
  const entries = new Map<string, { status: string; text: string }>();
  const start = listStart.exec(text);
  if (start === null) return null;
  let at = start.index + start[0].length;
  let unreadable = 0;
  while (text[at] !== "]") {
    const end = endOfObject(text, at);
    if (end === null) return null;
    const entry = text.slice(at, end);
    const head = headOf(entry);
    if (head === null) unreadable++;
    else entries.set(head.symbol, { status: head.status, text: entry });
    at = behindBlank(text, end);
    if (text[at] === ",") at = behindBlank(text, at + 1);
    else if (text[at] !== "]") return null;
    await turn.giveWay();
  }
  const time = Number(serverTime.exec(text.slice(0, start.index))?.[1] ?? serverTime.exec(text.slice(at))?.[1] ?? 0);
  const exchangeMs = time === 0 ? null : time >= microseconds ? time / 1000 : time;
  return { entries, unreadable, exchangeMs };
}

function headOf(entry: string): { readonly symbol: string; readonly status: string } | null {
  try {
    const { symbol, status } = JSON.parse(entry) as { symbol?: unknown; status?: unknown };
    return typeof symbol === "string" && typeof status === "string" ? { symbol, status } : null;
  } catch {
    return null;
  }
}

/** Returns the position behind the object that begins at `at`; null if none begins there or it does not end. */
function endOfObject(text: string, at: number): number | null {
  if (text[at] !== "{") return null;
  let depth = 0;
  for (let pos = at; pos < text.length; pos++) {
    const code = text.charCodeAt(pos);
    if (code === quote) {
      pos = endOfString(text, pos);
      if (pos < 0) return null;
    } else if (code === opening || code === openingList) depth++;
    else if ((code === closing || code === closingList) && --depth === 0) return pos + 1;
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
const opening = 123;
const closing = 125;
