import { OperatorError } from "../platform/errors.ts";

/** Digits of a DECIMAL column: as many as 64 bits hold, eight of them after the decimal point, as the exchange sends them. */
export const decimalPrecision = 18;
export const decimalScale = 8;

const zeros = "0".repeat(decimalScale);

/**
 * Converts a decimal text to an integer number of 10⁻⁸: `"86704.77"` → 8670477000000n. Never rounds.
 *
 * @throws OperatorError if the text has more digits than DECIMAL(18, 8) holds
 */
export function scaledDecimal(text: string): bigint {
  const value = eighthsOf(text);
  if (value !== null && value < limit && value > -limit) return value;
  throw new OperatorError(
    `${text} does not fit into DECIMAL(${decimalPrecision}, ${decimalScale}); use --numbers text`,
  );
}

/** Converts a decimal to 10⁻⁸, with any number of digits before the point. Null for text of another form, or with more than eight after it. */
export function eighthsOf(text: string): bigint | null {
  const usual = convertUsual(text);
  return usual === null ? convertAny(text) : BigInt(usual);
}

const limit = 10n ** BigInt(decimalPrecision);

/** Number of digits that a double stores exactly. */
const exactDigits = 15;
const point = 46;

/** Converts the usual form: few digits, eight of them after the decimal point. Null for any other form. */
function convertUsual(text: string): number | null {
  const at = text.length - 1 - decimalScale;
  if (text.length > exactDigits + 1 || at < 1 || text.charCodeAt(at) !== point) return null;
  let value = 0;
  for (let n = 0; n < text.length; n++) {
    if (n === at) continue;
    const digit = text.charCodeAt(n) - 48;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  return value;
}

function convertAny(text: string): bigint | null {
  const [whole = "", part = ""] = text.split(".", 2);
  const kept = (part + zeros).slice(0, decimalScale);
  const isExact = /^0*$/.test(part.slice(decimalScale));
  return isExact && /^-?\d+(\.\d+)?$/.test(text) ? BigInt(whole + kept) : null;
}
