import { slopeOf } from "./slope.ts";

/** Foretells when something that can only become less will be used up. */
export type Forecast = {
  /** Takes what is left now. Returns the pace at which it becomes less, and when there is none left, s; null: not known, not soon. */
  note(nowMs: number, left: number): Outlook;
};

export type Outlook = { readonly perSecond: number | null; readonly overInS: number | null };

/** One sample a minute for six hours: long enough to see through sealing and compressing, short enough to see a change. */
const sampleMs = 60_000;
const mostSamples = 360;
const fewestSamples = 15;

/** Nobody looks that far, and nothing known today holds until then, s. */
const farthest = 400 * 86_400;

/** Nothing was noted yet. */
export function createForecast(): Forecast {
  const samples: { readonly atMs: number; readonly value: number }[] = [];
  let outlook: Outlook = { perSecond: null, overInS: null };
  return {
    note(nowMs, left) {
      const last = samples.at(-1);
      if (last !== undefined && nowMs - last.atMs < sampleMs) return outlook;
      samples.push({ atMs: nowMs, value: left });
      if (samples.length > mostSamples) samples.shift();
      if (samples.length < fewestSamples) return outlook;
      const perSecond = Math.round(-slopeOf(samples) * 1e6) / 1000;
      const seconds = perSecond > 0 ? Math.round(left / perSecond) : Number.POSITIVE_INFINITY;
      outlook = { perSecond, overInS: seconds > farthest ? null : seconds };
      return outlook;
    },
  };
}
