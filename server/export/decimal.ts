import { OperatorError } from "../problem.ts";

/** What a DECIMAL column holds: as many digits as 64 bits do, eight of them behind the point, as the exchange writes them. */
export const decimalPrecision = 18;
export const decimalScale = 8;

const zeros = "0".repeat(decimalScale);

/**
 * A decimal text as a whole number of 10⁻⁸: `"86704.77"` → 8670477000000n. Throws where it has more digits than a DECIMAL(18, 8)
 * holds: nothing is ever rounded.
 */
export function scaledDecimal(text: string): bigint {
  const point = text.indexOf(".");
  const whole = point < 0 ? text : text.slice(0, point);
  const part = point < 0 ? "" : text.slice(point + 1);
  const kept = part.length === decimalScale ? part : (part + zeros).slice(0, decimalScale);
  const isExact = part.length <= decimalScale || /^0*$/.test(part.slice(decimalScale));
  const digits = whole + kept;
  const limit = decimalPrecision + (text.startsWith("-") ? 1 : 0);
  if (!isExact || !/^-?\d+$/.test(digits) || digits.length > limit) {
    throw new OperatorError(
      `${text} does not fit into DECIMAL(${decimalPrecision}, ${decimalScale}); use --numbers text`,
    );
  }
  return BigInt(digits);
}
