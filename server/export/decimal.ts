import { OperatorError } from "../platform/errors.ts";

/** What a DECIMAL column holds: as many digits as 64 bits do, eight of them behind the point, as the exchange writes them. */
export const decimalPrecision = 18;
export const decimalScale = 8;

const zeros = "0".repeat(decimalScale);

/**
 * A decimal text as a whole number of 10⁻⁸: `"86704.77"` → 8670477000000n. Throws where it has more digits than a DECIMAL(18, 8)
 * holds: nothing is ever rounded.
 */
export function scaledDecimal(text: string): bigint {
  const quick = quickly(text);
  return quick === null ? carefully(text) : BigInt(quick);
}

/** Digits that a double holds exactly. */
const exactDigits = 15;
const point = 46;

/** What nearly all texts are: few digits, eight of them behind the point. Null for any other. */
function quickly(text: string): number | null {
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

function carefully(text: string): bigint {
  const [whole = "", part = ""] = text.split(".", 2);
  const kept = (part + zeros).slice(0, decimalScale);
  const isExact = /^0*$/.test(part.slice(decimalScale));
  const digits = whole + kept;
  const length = digits.replace("-", "").replace(/^0+/, "").length;
  if (!isExact || !/^-?\d+$/.test(digits) || !/^-?\d+(\.\d+)?$/.test(text) || length > decimalPrecision) {
    throw new OperatorError(
      `${text} does not fit into DECIMAL(${decimalPrecision}, ${decimalScale}); use --numbers text`,
    );
  }
  return BigInt(digits);
}
