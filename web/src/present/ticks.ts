/** Marks of an axis: their values, and how many decimals it takes to tell them apart and write each exactly. */
export type Ticks = { readonly values: readonly number[]; readonly decimals: number };

/** Finds up to `most` round values that cover `least` to `largest`: steps of 1, 2, 2.5 or 5 times a power of ten. */
export function roundTicks(least: number, largest: number, most: number): Ticks {
  const rough = (largest - least) / Math.max(1, most - 1);
  if (!(rough > 0) || !Number.isFinite(rough)) return { values: [least], decimals: decimalsOf(least) };
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999_999) ?? 10;
  const step = factor * power;
  const first = Math.floor(least / step + 1e-9);
  const count = Math.ceil(largest / step - 1e-9) - first;
  const decimals = decimalsOf(step);
  const values = Array.from({ length: count + 1 }, (_, n) => Number(((first + n) * step).toFixed(decimals)));
  return { values, decimals };
}

/** Decimals that a number has, at most twelve. */
export function decimalsOf(value: number): number {
  for (let decimals = 0; decimals < 12; decimals++) {
    const scaled = Math.abs(value) * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) <= 1e-9 * scaled) return decimals;
  }
  return 12;
}

/** Steps of a time axis, s. */
const timeSteps = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800],
  ...[14_400, 21_600, 43_200, 86_400, 172_800],
];

/** Round moments between two times, s, at most `most`. `offset` is that of the zone, s: days begin at its midnight. */
export function timeTicks(from: number, to: number, most: number, offset = 0): { values: number[]; step: number } {
  const step = timeSteps.find((one) => (to - from) / one <= most) ?? 604_800;
  const first = Math.ceil((from + offset) / step) * step - offset;
  const values: number[] = [];
  for (let at = first; at <= to; at += step) values.push(at);
  return { values, step };
}
