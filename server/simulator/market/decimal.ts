/** Writes a count of ticks or lots as the exchange does. */
export type DecimalFormat = (units: number) => string;

/**
 * Format of integer multiples of 10^-`decimals`, padded with zeros to `precision` digits behind the point: 6183763 with
 * 2 and 8 is `61837.63000000`. Units are whole, not negative and below 2^53.
 */
export function decimalFormat(decimals: number, precision: number): DecimalFormat {
  const scale = 10 ** decimals;
  const zeros = "0".repeat(precision - decimals);
  if (decimals === 0) return precision === 0 ? String : (units) => `${units}.${zeros}`;
  return (units) => {
    const whole = Math.floor(units / scale);
    return `${whole}.${String(scale + (units - whole * scale)).slice(1)}${zeros}`;
  };
}
