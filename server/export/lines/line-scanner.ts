import { exchangeMs, exchangeUs } from "../../domain/market/exchange-time.ts";
import { growList, type ListValues, type RowGroup, setInteger, setNull } from "../parquet/row-group.ts";
import { createDecimalReader } from "./decimal-bytes.ts";
import type { LineStep, LineTemplate } from "./line-template.ts";

/** Reads lines of known forms straight from bytes into the columns of a row group, without an object for a line or a value. */
export type LineScanner = {
  /** Sets the bytes to read. They must not change while they are read. */
  use(bytes: Uint8Array): void;
  /**
   * Reads the line that begins at a position into the group's next row (`group.rows`). Returns the position behind its newline, or -1 if
   * the line is not proven to have a known form; the row then has any values, and the line must be read in another way.
   */
  scan(from: number): number;
  /** Receipt time of the line that was read last, µs. */
  recvUs(): number;
};

const quote = 34;
const comma = 44;
const minus = 45;
const point = 46;
const zero = 48;
const open = 91;
const close = 93;

/** Creates a scanner. A line is tried with the form of the line before first. */
export function createLineScanner(group: RowGroup, templates: readonly LineTemplate[]): LineScanner {
  const { words, doubles, stride } = group;
  const decimals = createDecimalReader(group);
  let bytes: Uint8Array = new Uint8Array(0);
  let at = 0;
  let integer = 0;
  let recvUs = 0;
  let latest = 0;

  return {
    use(next) {
      bytes = next;
      decimals.use(next);
    },
    scan(from) {
      for (let tried = 0; tried < templates.length; tried++) {
        at = from;
        if (readLine(templates[latest] as LineTemplate)) return at;
        latest = (latest + 1) % templates.length;
      }
      return -1;
    },
    recvUs: () => recvUs,
  };

  function readLine({ steps, end, zeros }: LineTemplate): boolean {
    const row = group.rows;
    for (let n = 0; n < steps.length; n++) {
      const step = steps[n] as LineStep;
      if (!readFixed(step.before) || !readValue(step, row)) return false;
      if (step.form === "receipt") recvUs = integer;
    }
    if (!readFixed(end)) return false;
    for (let n = 0; n < zeros.length; n++) doubles[(zeros[n] as number) * stride + row] = 0;
    return true;
  }

  function readFixed(expected: Uint8Array): boolean {
    for (let n = 0; n < expected.length; n++) if (bytes[at + n] !== expected[n]) return false;
    at += expected.length;
    return true;
  }

  function readValue(step: LineStep, row: number): boolean {
    const { form, column, timestamp } = step;
    if (form === "levels") return step.levels === 0 ? readLists(column, row) : readLevels(step, row);
    if (form === "decimal") return readDecimal(column, column * stride + row);
    if (form === "delay") return readDelay(column * stride + row);
    if (form === "boolean") return readBoolean(column, row);
    if (!readInteger()) return false;
    if (column >= 0) {
      const value = form === "time" ? Math.floor(exchangeMs(integer)) : integer;
      setInteger(words, column * stride + row, value);
    }
    if (timestamp >= 0) {
      const time = form === "receipt" ? integer : exchangeUs(integer);
      setInteger(words, timestamp * stride + row, time);
    }
    return true;
  }

  /** Reads a whole number from 0, as JSON allows it: without a zero in front. */
  function readInteger(): boolean {
    const start = at;
    let value = 0;
    for (let digit = (bytes[at] as number) - zero; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - zero)
      value = value * 10 + digit;
    integer = value;
    const digits = at - start;
    // 15 digits and more may not be exact; 16 digits of microseconds are, below 2⁵³.
    return digits > 0 && value <= Number.MAX_SAFE_INTEGER && digits <= 16 && (digits === 1 || bytes[start] !== zero);
  }

  /** Reads a delay: null, or a number with at most a few decimals. */
  function readDelay(to: number): boolean {
    if (bytes[at] === 110) {
      if (bytes[at + 1] !== 117 || bytes[at + 2] !== 108 || bytes[at + 3] !== 108) return false;
      at += 4;
      setNull(words, to);
      return true;
    }
    const isNegative = bytes[at] === minus;
    if (isNegative) at++;
    if (!readInteger() || bytes[at] === point) return false;
    doubles[to] = isNegative ? -integer : integer;
    return true;
  }

  function readBoolean(column: number, row: number): boolean {
    const isTrue = bytes[at] === 116;
    const word = isTrue ? "true" : "false";
    for (let n = 0; n < word.length; n++) if (bytes[at + n] !== word.charCodeAt(n)) return false;
    at += word.length;
    if (column >= 0) doubles[column * stride + row] = isTrue ? 1 : 0;
    return true;
  }

  /** Reads the digits of a decimal, up to its closing quote. */
  function readDecimal(column: number, to: number): boolean {
    const end = decimals.read(at, group, column, to);
    if (end < 0) return false;
    at = end;
    return true;
  }

  /** Reads `[["price","quantity"],…]` into a column for each value. Missing levels are null. */
  function readLevels({ column, levels }: LineStep, row: number): boolean {
    if (bytes[at++] !== open) return false;
    let to = column * stride + row;
    let count = 0;
    while (bytes[at] === open) {
      if (count === levels || bytes[at + 1] !== quote) return false;
      at = decimals.read(at + 2, group, column, to);
      if (at < 0 || bytes[at] !== quote || bytes[at + 1] !== comma || bytes[at + 2] !== quote) return false;
      at = decimals.read(at + 3, group, column + 1, to + stride);
      if (at < 0 || bytes[at] !== quote || bytes[at + 1] !== close) return false;
      at += 2;
      to += 2 * stride;
      count++;
      if (bytes[at] !== comma) break;
      at++;
      if (bytes[at] !== open) return false;
    }
    if (bytes[at++] !== close) return false;
    for (; count < levels; count++, to += 2 * stride) {
      setNull(words, to);
      setNull(words, to + stride);
    }
    return true;
  }

  /** Reads `[["price","quantity"],…]` into two lists. */
  function readLists(column: number, row: number): boolean {
    if (bytes[at++] !== open) return false;
    const prices = group.lists[column] as ListValues;
    const quantities = group.lists[column + 1] as ListValues;
    let length = row === 0 ? 0 : (prices.ends[row - 1] as number);
    while (bytes[at] === open) {
      prices.length = quantities.length = length;
      growList(prices, 1);
      growList(quantities, 1);
      if (bytes[at + 1] !== quote) return false;
      at = decimals.read(at + 2, prices, column, length);
      if (at < 0 || bytes[at] !== quote || bytes[at + 1] !== comma || bytes[at + 2] !== quote) return false;
      at = decimals.read(at + 3, quantities, column + 1, length);
      if (at < 0 || bytes[at] !== quote || bytes[at + 1] !== close) return false;
      at += 2;
      length++;
      if (bytes[at] !== comma) break;
      at++;
      if (bytes[at] !== open) return false;
    }
    if (bytes[at++] !== close) return false;
    prices.length = quantities.length = length;
    prices.ends[row] = quantities.ends[row] = length;
    return true;
  }
}
