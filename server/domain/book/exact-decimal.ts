/**
 * A decimal of the exchange without loss: a number if that number stands for this decimal alone, otherwise a text without zeros at its end. A
 * decimal of up to 15 significant digits has a double of its own, so all prices and nearly all quantities are numbers.
 */
export type ExactDecimal = number | string;

/** Significant digits of which every decimal has a double of its own. */
const exactDigits = 15;

/** Reads a decimal without sign and exponent; null for any other text. */
export function exactDecimal(text: string): ExactDecimal | null {
  const match = /^0*(\d*?)(?:\.(\d*?)0*)?$/.exec(text);
  if (match === null || !/^\d+(\.\d+)?$/.test(text)) return null;
  const [, whole = "", part = ""] = match;
  const digits = part === "" ? whole.replace(/0+$/, "") : (whole + part).replace(/^0+/, "");
  if (digits.length <= exactDigits) return Number(text);
  // A slice would keep the whole text in memory.
  return Array.from(part === "" ? whole : `${whole}.${part}`).join("");
}

/** Writes a decimal with this many digits behind the point, as the exchange does: 61837.63 with 8 is `61837.63000000`. */
export function paddedDecimal(value: ExactDecimal, decimals: number): string {
  if (typeof value === "number" && value < 10 ** (exactDigits - decimals)) return value.toFixed(decimals);
  const [whole, part = ""] = plainDecimal(value).split(".");
  return decimals === 0 ? `${whole}` : `${whole}.${part.padEnd(decimals, "0")}`;
}

/** Writes a decimal without zeros at its end: `61837.63`, `0.00000001`. */
export function plainDecimal(value: ExactDecimal): string {
  const text = String(value);
  const [mantissa = "", exponent] = text.split("e-");
  if (exponent !== undefined) return `0.${"0".repeat(Number(exponent) - 1)}${mantissa.replace(".", "")}`;
  return typeof value === "number" && text.includes("e") ? value.toFixed(0) : text;
}
