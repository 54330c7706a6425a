import { groupDigits } from "../../../server/text/amounts.ts";

/** Digits of a decimal text in groups of three, as the exchange wrote them: `86704.77` → `86,704.77`. */
export function grouped(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const groups = groupDigits(whole);
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

/** A decimal text without the zeros at its end; at least `least` decimals stay. */
export function trimmed(text: string, least = 2): string {
  const [whole = "", fraction = ""] = text.split(".");
  const kept = fraction.replace(/0+$/, "").padEnd(least, "0");
  return kept === "" ? whole : `${whole}.${kept}`;
}

/** Splits a price at the first digit that differs from the last price. */
export function splitMoved(text: string, before: string | null): readonly [same: string, moved: string] {
  if (before === null || before.length !== text.length) return [text, ""];
  let at = 0;
  while (at < text.length && text[at] === before[at]) at++;
  return [text.slice(0, at), text.slice(at)];
}

/** A quantity with at most seven digits; larger quantities in millions or billions: `27.5 B`. */
export function shortQuantity(text: string): string {
  const value = Number(text);
  if (value < 1e7) return grouped(text);
  const [unit, size] = value >= 1e9 ? ["B", 1e9] : ["M", 1e6];
  return `${grouped((value / (size as number)).toFixed(value / (size as number) < 100 ? 1 : 0))}\u00a0${unit}`;
}
