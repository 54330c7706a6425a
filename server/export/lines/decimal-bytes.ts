import { decimalScale } from "../decimal.ts";
import { type RowGroup, setInteger } from "../parquet/row-group.ts";

/** The place of a number: the buffer of a row group or of a list. */
type Views = Pick<RowGroup, "doubles" | "words">;

/** Reads decimals from bytes. */
export type DecimalReader = {
  use(bytes: Uint8Array): void;
  /**
   * Reads the decimal that begins at a position and stores it at `to`. Returns the position behind its last digit, or -1 if it is not of
   * the form `123.45`, or cannot be stored exactly.
   */
  read(from: number, views: Views, column: number, to: number): number;
};

const point = 46;
const zero = 48;
const quote = 34;
/** One, in 10⁻⁸. */
const one = 10 ** decimalScale;
/**
 * The same, read from memory as a double. With a whole-number constant, as in `whole * 1e8`, Bun's compiler gave up the hot function and compiled it
 * again, over and over: the export of a day took 8.1 s instead of 4.4 s.
 */
const ones = Float64Array.of(one);
/** Most digits before the point of a usual decimal: with eight behind it, they are exact as a double, and alone in 32 bits. */
const usualDigits = 7;
/** Most digits before the point that are exact as a double. */
const mostDigits = 15;
/** Whole parts below this fit into DECIMAL(18, 8). */
const decimalWhole = 1e10;
const powers = Array.from({ length: decimalScale + 1 }, (_, n) => 10 ** n);

/** Creates a reader that stores numbers in the form of the group: as doubles, as 10⁻⁸ in 64 bits, or as ticks. */
export function createDecimalReader({ numbers, units }: Pick<RowGroup, "numbers" | "units">): DecimalReader {
  const isDouble = numbers === "float64";
  const isDecimal = numbers === "decimal";
  let bytes: Uint8Array = new Uint8Array(0);
  let view = new DataView(bytes.buffer);
  let limit = 0;
  /** The usual decimal that was read last: the digits before the point and those behind it, both as integers of 32 bits, and its end. */
  let whole = 0;
  let part = 0;
  let end = 0;

  return {
    use(next) {
      bytes = next;
      view = new DataView(next.buffer, next.byteOffset, next.byteLength);
      limit = next.length - decimalScale - 2;
    },
    read(from, views, column, to) {
      if (!readUsual(from)) return readAny(from, views, column, to);
      // IEEE division rounds once and correctly, and both sides are exact: this is the double that is nearest to the decimal.
      if (isDouble) views.doubles[to] = (whole * (ones[0] as number) + part) / (ones[0] as number);
      else if (isDecimal) {
        views.words[2 * to] = (Math.imul(whole, one) + part) | 0;
        views.words[2 * to + 1] = Math.floor((whole * (ones[0] as number) + part) / 4_294_967_296);
      } else if (!setTicks(views.words, column, to, whole * one + part)) return -1;
      return end;
    },
  };

  /** Reads a decimal with eight digits behind the point, as the exchange writes them; false for any other. */
  function readUsual(from: number): boolean {
    let value = (bytes[from] as number) ^ zero;
    if (value > 9) return false;
    let at = from + 1;
    let digit = (bytes[at] as number) ^ zero;
    while (digit <= 9) {
      value = (value * 10 + digit) | 0;
      digit = (bytes[++at] as number) ^ zero;
    }
    if (digit !== (point ^ zero) || at - from > usualDigits || at > limit || bytes[at + 9] !== quote) return false;
    const high = view.getInt32(at + 1, true) ^ 0x30303030;
    const low = view.getInt32(at + 5, true) ^ 0x30303030;
    // Each byte is a digit if its high half is 0, also after 6 is added to it.
    if ((((high + 0x06060606) | high | (low + 0x06060606) | low) & 0xf0f0f0f0) !== 0) return false;
    whole = value;
    part = Math.imul(fourDigits(high), 10_000) + fourDigits(low);
    end = at + 9;
    return true;
  }

  /** Reads any decimal without sign and exponent. */
  function readAny(from: number, { doubles, words }: Views, column: number, to: number): number {
    let at = from;
    let value = 0;
    for (let digit = (bytes[at] as number) ^ zero; digit <= 9; digit = (bytes[++at] as number) ^ zero)
      value = value * 10 + digit;
    if (at === from || at - from > mostDigits) return -1;
    let scaled = 0;
    if (bytes[at] === point) {
      const start = ++at;
      for (let digit = (bytes[at] as number) ^ zero; digit <= 9; digit = (bytes[++at] as number) ^ zero)
        scaled = scaled * 10 + digit;
      if (at === start || at - start > decimalScale) return -1;
      scaled *= powers[decimalScale - (at - start)] as number;
    }
    const isStored = isDouble
      ? setDouble(doubles, to, value, scaled)
      : isDecimal
        ? setDecimal(words, to, value, scaled)
        : setTicks(words, column, to, value * one + scaled);
    return isStored ? at : -1;
  }

  function setTicks(words: Int32Array, column: number, to: number, scaled: number): boolean {
    const unit = units[column] as number;
    const ticks = Math.round(scaled / unit);
    if (scaled > Number.MAX_SAFE_INTEGER || ticks * unit !== scaled) return false;
    setInteger(words, to, ticks);
    return true;
  }
}

/** Stores a double if it can be had by one division of exact numbers. `part`: in 10⁻⁸. */
function setDouble(doubles: Float64Array, to: number, whole: number, part: number): boolean {
  let scale = decimalScale;
  let digits = part;
  while (scale > 0 && digits % 10 === 0) {
    digits /= 10;
    scale--;
  }
  const power = powers[scale] as number;
  const value = whole * power + digits;
  if (value > Number.MAX_SAFE_INTEGER) return false;
  doubles[to] = value / power;
  return true;
}

/** Stores a decimal of up to 18 digits as 10⁻⁸ in 64 bits. */
function setDecimal(words: Int32Array, to: number, whole: number, part: number): boolean {
  if (whole >= decimalWhole) return false;
  const low = (Math.imul(whole | 0, one) + part) | 0;
  words[2 * to] = low;
  // The sum may be rounded, by less than 2⁸. The difference is a multiple of 2³², which rounding finds again.
  words[2 * to + 1] = Math.round((whole * one + part - (low >>> 0)) / 4_294_967_296);
  return true;
}

/** Converts four digits, one a byte, the first in the lowest byte: pairs first, then both pairs. */
function fourDigits(digits: number): number {
  const pairs = (Math.imul(digits, 10) + (digits >>> 8)) & 0x00ff00ff;
  return (Math.imul(pairs, 100) + (pairs >>> 16)) & 0xffff;
}
