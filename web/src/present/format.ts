import * as amounts from "../../../server/text/amounts.ts";
import { language } from "../words/i18n.ts";

const dash = "–";

/** A number with a fixed count of decimals and grouped digits. */
export const number = (value: number, decimals = 0): string => amounts.decimal(value, decimals, language.value);

/** A rate: one decimal while small. */
export const rate = (perSecond: number): string => amounts.rate(perSecond, language.value);

/** 0.213 → `21%`; one decimal below a tenth. */
export const percent = (ratio: number): string => amounts.percent(ratio, language.value);

/** Coverage as a percentage that is rounded down: only a whole day is 100%. */
export const coveragePercent = orDash(amounts.coverage);

/** Bytes in decimal units, three digits. */
export const bytes = orDash(amounts.bytes);

/** Milliseconds, in seconds from a thousand on. */
export const milliseconds = orDash((value, spoken) =>
  Math.abs(value) < 999.5 ? amounts.milliseconds(value, spoken) : amounts.seconds(value / 1000, spoken),
);

/** A time span in its two largest units: `1 d 2 h`, `3 min 5 s`, `12 s`. */
export const duration = (seconds: number): string => amounts.duration(seconds * 1e6, language.value);

/** A time span in its largest unit, rounded: `3 s`, `4 min`, `2 h`. */
export const coarse = (seconds: number): string => {
  const step = seconds < 59.5 ? 1 : seconds < 3570 ? 60 : 3600;
  return amounts.duration(Math.max(1, Math.round(seconds / step)) * step * 1e6, language.value);
};

/** The same where there is hardly any room: `3 s`, `4 m`, `2 h`. */
export const compact = (seconds: number): string => coarse(seconds).replace(/min$/, "m");

/** A gap's length: hundredths below ten seconds, else its two largest units. */
export const gapLength = (seconds: number): string =>
  seconds < 10 ? amounts.shortSeconds(seconds, language.value) : duration(seconds);

/** How long ago something was; tenths below ten seconds. */
export const age = (nowUs: number, thenUs: number | null): string =>
  thenUs === null ? dash : amounts.age(nowUs - thenUs, language.value);

/** A format that shows a dash for a value that is not known. */
function orDash(format: (value: number, language: "en" | "ko") => string): (value: number | null) => string {
  return (value) => (value === null ? dash : format(value, language.value));
}
