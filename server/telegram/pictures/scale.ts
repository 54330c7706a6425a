/** Returns round values that divide [least, most] into about `count` parts and cover both ends. */
export function ticksOf(least: number, most: number, count: number): readonly number[] {
  const span = most - least;
  if (!(span > 0) || !Number.isFinite(span)) return Number.isFinite(least) ? [least] : [];
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const ticks: number[] = [];
  for (let n = Math.ceil(least / step - 1e-9); n * step <= most + step * 1e-9; n++) ticks.push(n * step);
  return ticks;
}

/** Returns the range of the values with a little padding. Equal values get a range around them. */
export function rangeOf(values: readonly number[], options: { fromZero?: boolean } = {}): readonly [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!Number.isFinite(least)) return [0, 1];
  if (options.fromZero === true) least = Math.min(0, least);
  const room = most > least ? (most - least) * 0.08 : Math.abs(most) * 0.0005 || 1;
  return [options.fromZero === true && least === 0 ? 0 : least - room, most + room];
}

/** Returns the decimals that the ticks need, at most ten. */
export function decimalsOf(ticks: readonly number[]): number {
  const step = Math.abs((ticks[1] ?? 0) - (ticks[0] ?? 0));
  for (let decimals = 0; decimals < 10; decimals++) {
    const scaled = step * 10 ** decimals;
    if (scaled > 0.5 && Math.abs(scaled - Math.round(scaled)) < 0.01) return decimals;
  }
  return step === 0 ? 2 : 10;
}

/** Formats a number: `86,704.77`. */
export function numberText(value: number, decimals: number): string {
  const [whole = "", part] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${value < 0 ? "−" : ""}${grouped}${part === undefined ? "" : `.${part}`}`;
}

/** Formats a duration: `1h 5m`, `3m 5s`, `12s`. */
export function shortSpan(us: number): string {
  const seconds = Math.max(0, Math.round(us / 1e6));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}
