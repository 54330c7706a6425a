import { type ExactDecimal, exactDecimal, paddedDecimal } from "./exact-decimal.ts";

/** Price levels as sent: prices and, beside them, quantities; a diff's quantity of 0 removes the level. */
export type LevelList = {
  readonly prices: readonly number[];
  readonly quantities: readonly ExactDecimal[];
};

/** Most digits that a text had behind the decimal point. The exchange pads all decimals of a symbol to the same number of digits. */
export type Decimals = { readonly price: number; readonly quantity: number };

/** A change of the book between two update ids. Its quantities are absolute. */
export type BookDiff = {
  readonly firstId: number;
  readonly lastId: number;
  /** The last id of the diff before it, if the exchange names it (`pu` of futures); null on spot, where ids have no holes. */
  readonly previousId: number | null;
  readonly bids: LevelList;
  readonly asks: LevelList;
  readonly decimals: Decimals;
};

/** A book, or the best part of it, as of one update id: the REST book or a partial book. */
export type BookImage = {
  readonly lastUpdateId: number;
  readonly bids: LevelList;
  readonly asks: LevelList;
  readonly decimals: Decimals;
};

/** Reads a `depth` payload, or the stored line that holds it, from a part of a text; null if it has another form. */
export function readBookDiff(text: string, from = 0, to = text.length): BookDiff | null {
  const firstId = updateIdIn(text, '"U":', from, to);
  const lastId = updateIdIn(text, '"u":', from, to);
  const sides = sidesIn(text, '"b":[', '"a":[', from, to);
  if (firstId === null || lastId === null || sides === null) return null;
  return { firstId, lastId, previousId: previousIdIn(text, from, to), ...sides };
}

/** Reads a REST book or a partial book, or the stored line that holds it, from a part of a text; null if it has another form. */
export function readBookImage(text: string, from = 0, to = text.length): BookImage | null {
  const lastUpdateId = updateIdIn(text, '"lastUpdateId":', from, to);
  const sides = sidesIn(text, '"bids":[', '"asks":[', from, to);
  return lastUpdateId === null || sides === null ? null : { lastUpdateId, ...sides };
}

/** Reads a `bookTicker` payload, or the stored line that holds it, as a book of one level a side; an empty side has no level. */
export function readBestPrices(text: string, from = 0, to = text.length): BookImage | null {
  const lastUpdateId = updateIdIn(text, '"u":', from, to);
  const decimals = { price: 0, quantity: 0 };
  const bids = levelIn(text, '"b":', '"B":', from, to, decimals);
  const asks = levelIn(text, '"a":', '"A":', from, to, decimals);
  return lastUpdateId === null || bids === null || asks === null ? null : { lastUpdateId, bids, asks, decimals };
}

/** Writes the first `most` levels as the exchange does: `[["61837.63000000","0.02000000"],…]`. */
export function levelsText({ prices, quantities }: LevelList, decimals: Decimals, most = prices.length): string {
  const levels = prices.slice(0, most).map((price, n) => {
    const quantity = paddedDecimal(quantities[n] as ExactDecimal, decimals.quantity);
    return `["${paddedDecimal(price, decimals.price)}","${quantity}"]`;
  });
  return `[${levels.join(",")}]`;
}

const [zero, point, quote, comma, minus, opened, closed] = [48, 46, 34, 44, 45, 91, 93];

/** Finds an update id behind the name of its member, such as `"lastUpdateId":`, in a part of a text; null without it. */
export function updateIdIn(text: string, member: string, from: number, to: number): number | null {
  const found = text.indexOf(member, from);
  if (found < 0 || found >= to) return null;
  const isNegative = text.charCodeAt(found + member.length) === minus;
  const start = found + member.length + (isNegative ? 1 : 0);
  let at = start;
  let id = 0;
  for (let digit = text.charCodeAt(at) - zero; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - zero)
    id = id * 10 + digit;
  if (at === start || id > Number.MAX_SAFE_INTEGER) return null;
  return isNegative ? -id : id;
}

/** Reads `pu`, which stands between the ids and the levels of a futures diff. A search for it would run through all levels of a spot diff. */
function previousIdIn(text: string, from: number, to: number): number | null {
  const at = text.indexOf('"u":', from);
  const levelsAt = text.indexOf("[", at);
  return updateIdIn(text.slice(at, levelsAt), '"pu":', 0, to);
}

type Sides = Pick<BookImage, "bids" | "asks" | "decimals">;

function sidesIn(text: string, bidsMember: string, asksMember: string, from: number, to: number): Sides | null {
  const decimals = { price: 0, quantity: 0 };
  const bids = levelsIn(text, bidsMember, from, to, decimals);
  const asks = levelsIn(text, asksMember, from, to, decimals);
  return bids === null || asks === null ? null : { bids, asks, decimals };
}

/** Reads `["61837.63000000","0.02000000"],…` behind the name of a member; null if it has another form. */
function levelsIn(
  text: string,
  member: string,
  from: number,
  to: number,
  decimals: { price: number; quantity: number },
): LevelList | null {
  const found = text.indexOf(member, from);
  if (found < 0 || found >= to) return null;
  const prices: number[] = [];
  const quantities: ExactDecimal[] = [];
  const cursor: Cursor = { at: found + member.length, decimals: 0 };
  if (text.charCodeAt(cursor.at) === closed) return { prices, quantities };
  for (;;) {
    if (text.charCodeAt(cursor.at++) !== opened) return null;
    const price = readDecimal(text, cursor);
    // A price that no number stands for would be in the wrong place of the book.
    if (typeof price !== "number" || text.charCodeAt(cursor.at++) !== comma) return null;
    if (cursor.decimals > decimals.price) decimals.price = cursor.decimals;
    const quantity = readDecimal(text, cursor);
    if (quantity === null || text.charCodeAt(cursor.at++) !== closed || cursor.at >= to) return null;
    if (cursor.decimals > decimals.quantity) decimals.quantity = cursor.decimals;
    prices.push(price);
    quantities.push(quantity);
    const next = text.charCodeAt(cursor.at++);
    if (next === closed) return { prices, quantities };
    if (next !== comma) return null;
  }
}

function levelIn(
  text: string,
  priceMember: string,
  quantityMember: string,
  from: number,
  to: number,
  decimals: { price: number; quantity: number },
): LevelList | null {
  const [priceAt, quantityAt] = [text.indexOf(priceMember, from), text.indexOf(quantityMember, from)];
  if (priceAt < 0 || quantityAt < 0 || priceAt >= to || quantityAt >= to) return null;
  const cursor: Cursor = { at: priceAt + priceMember.length, decimals: 0 };
  const price = readDecimal(text, cursor);
  decimals.price = Math.max(decimals.price, cursor.decimals);
  cursor.at = quantityAt + quantityMember.length;
  const quantity = readDecimal(text, cursor);
  decimals.quantity = Math.max(decimals.quantity, cursor.decimals);
  if (typeof price !== "number" || quantity === null) return null;
  return price === 0 ? { prices: [], quantities: [] } : { prices: [price], quantities: [quantity] };
}

/** Where reading goes on, and how many digits the latest decimal had behind its point. */
type Cursor = { at: number; decimals: number };

/** Digits of which every number is exact, and the powers of ten that go with them. */
const exactDigits = 15;
const powers = Array.from({ length: exactDigits + 1 }, (_, n) => 10 ** n);

/** Reads a decimal in quotes; null if it has another form. */
function readDecimal(text: string, cursor: Cursor): ExactDecimal | null {
  if (text.charCodeAt(cursor.at) !== quote) return null;
  const start = cursor.at + 1;
  let at = start;
  let pointAt = -1;
  let digits = 0;
  for (; ; at++) {
    const code = text.charCodeAt(at);
    const digit = code - zero;
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit;
    else if (code === point && pointAt < 0 && at > start) pointAt = at;
    else if (code === quote) break;
    else return null;
  }
  cursor.at = at + 1;
  cursor.decimals = pointAt < 0 ? 0 : at - pointAt - 1;
  if (at === start || at - 1 === pointAt) return null;
  // Both sides are exact and a division rounds correctly, so this is the double nearest to the decimal.
  if (at - start <= exactDigits + 1 && (pointAt >= 0 || at - start <= exactDigits))
    return digits / (powers[cursor.decimals] as number);
  return exactDecimal(text.slice(start, at));
}
