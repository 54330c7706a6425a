/** A decimal of the exchange, digit for digit, with grouped digits and without closing zeros beyond `decimals`. */
export function price(decimal: string, decimals = 0): string {
  const [whole = "0", part = ""] = decimal.split(".");
  const kept = part.replace(/0+$/, "").padEnd(decimals, "0");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return kept === "" ? grouped : `${grouped}.${kept}`;
}

/** Digits behind the point without closing zeros. */
export function decimalsIn(decimal: string): number {
  return decimal.replace(/0+$/, "").split(".")[1]?.length ?? 0;
}

/** A quantity in at most seven letters, cut rather than rounded up. */
export function quantity(decimal: string): string {
  const value = Number(decimal);
  if (!Number.isFinite(value)) return decimal.slice(0, 7);
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const)
    if (value >= size) return `${(Math.floor((value / (unit === "k" ? 1000 : size)) * 10) / 10).toString()}${unit}`;
  return value >= 100 ? value.toFixed(1) : value >= 1 ? value.toFixed(3) : value.toFixed(5);
}

/** Formats the quantities of a table with equal digits behind the point, cut rather than rounded up; very large quantities as `quantity` does. */
export function quantitiesOf(all: readonly string[]): (decimal: string) => string {
  const most = Math.max(0, ...all.map(Number).filter(Number.isFinite));
  if (most >= 1e5) return quantity;
  const decimals = most >= 1000 ? 1 : most >= 100 ? 2 : most >= 10 ? 3 : 4;
  return (decimal) => {
    const [whole = "0", part = ""] = decimal.split(".");
    return `${whole}.${part.slice(0, decimals).padEnd(decimals, "0")}`;
  };
}
