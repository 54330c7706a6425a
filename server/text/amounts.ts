import type { Language } from "./language.ts";

const numberMarks: Record<Language, { readonly group: string; readonly point: string }> = {
  en: { group: ",", point: "." },
  ko: { group: ",", point: "." },
};

/** A no-break space. It stands between a figure and its unit, so that no line ends between them. */
const tie = "\u00a0";
const timeUnits: Record<Language, readonly [string, string, string, string]> = {
  en: [`${tie}d`, `${tie}h`, `${tie}min`, `${tie}s`],
  ko: ["일", "시간", "분", "초"],
};
const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A number with grouped digits and exactly `decimals` digits behind the point: `1,340.50`. */
export function decimal(value: number, decimals: number, language: Language): string {
  const { group, point } = numberMarks[language];
  const digits = Math.abs(value).toFixed(decimals);
  const [whole = "", fraction] = digits.split(".");
  const sign = value < 0 && /[1-9]/.test(digits) ? "-" : "";
  return `${sign}${groupDigits(whole, group)}${fraction === undefined ? "" : point + fraction}`;
}

/** Digits of a whole number in groups of three: `86704` → `86,704`. */
export function groupDigits(digits: string, group = ","): string {
  return digits.length < 4 ? digits : digits.replace(/\B(?=(\d{3})+(?!\d))/g, group);
}

/** A whole number with grouped digits. */
export function count(value: number, language: Language): string {
  return decimal(value, 0, language);
}

/** A number in three digits at most: `1.4`, `23`, `1,340`. */
export function figure(value: number, language: Language): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return trimmedDecimal(value, digits, language);
}

/** An estimate in two digits, so that it does not look exact: 2,413,000 → `2,400,000`. */
export function estimate(value: number, language: Language): string {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
  return count(Math.round(value / unit) * unit, language);
}

/** Events a second: one decimal below a hundred. */
export function rate(perSecond: number, language: Language): string {
  return decimal(perSecond, perSecond < 99.95 ? 1 : 0, language);
}

/** 0.213 → `21%`; one decimal below a tenth; 0 is `0%`. */
export function percent(share: number, language: Language): string {
  return `${decimal(share * 100, share > 0 && share < 0.0995 ? 1 : 0, language)}%`;
}

/** Coverage as a percentage that is rounded down: only a whole day is 100%. */
export function coverage(share: number, language: Language): string {
  if (share >= 1) return "100%";
  const decimals = share < 0.1 || share >= 0.99 ? 2 : 1;
  // The last digits of a product such as 0.57 * 1000 are noise; a gap of 1 µs in a day is a hundred times larger than this.
  const floored = Math.floor(share * 10 ** (decimals + 2) + 1e-9) / 10 ** decimals;
  return `${decimal(floored, decimals, language)}%`;
}

/** Bytes in decimal units and three digits: `1.40 GB`. */
export function bytes(value: number, language: Language): string {
  let scaled = Math.max(0, value);
  let unit = 0;
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const decimals = unit === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${decimal(scaled, decimals, language)}${tie}${byteUnits[unit]}`;
}

/** Milliseconds; from ten thousand on in seconds. */
export function milliseconds(value: number, language: Language): string {
  if (Math.abs(value) >= 9999.5) return seconds(value / 1000, language);
  return `${decimal(value, Math.abs(value) < 9.95 ? 1 : 0, language)}${tie}ms`;
}

/** Seconds with one decimal: `3.2 s`. */
export function seconds(value: number, language: Language): string {
  return `${decimal(value, 1, language)}${timeUnits[language][3]}`;
}

/** Seconds with up to two decimals, for spans below ten seconds: `3.2 s`, `0.05 s`. */
export function shortSeconds(value: number, language: Language): string {
  return `${trimmedDecimal(value, 2, language)}${timeUnits[language][3]}`;
}

/** A time span in its two largest units; units that are 0 are left out: `1 d 2 h`, `3 min 5 s`, `3 s`; from five minutes on without seconds. */
export function duration(us: number, language: Language): string {
  const whole = Math.max(0, Math.floor(us / 1e6));
  const counts = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const first = counts.findIndex((n) => n > 0);
  if (first < 0) return `0${timeUnits[language][3]}`;
  const last = first === 2 && whole >= 300 ? first : first + 1;
  return counts
    .map((n, index) => ({ n, index }))
    .filter(({ n, index }) => index >= first && index <= last && n > 0)
    .map(({ n, index }) => `${n}${timeUnits[language][index] ?? ""}`)
    .join(tie);
}

/** How long ago something was: tenths of seconds below ten seconds. */
export function age(us: number, language: Language): string {
  const past = Math.max(0, us) / 1e6;
  return past < 9.95 ? seconds(past, language) : duration(us, language);
}

/** The same for what still lasts, in steps that grow with it, so that a message need not be changed all the time. */
export function roughDuration(us: number, language: Language): string {
  if (us < 10e6) return duration(Math.max(us, 1e6), language);
  const minutes = us / 60e6;
  const step = minutes < 1 ? 1 / 6 : minutes < 10 ? 1 : minutes < 60 ? 5 : minutes < 360 ? 15 : 60;
  return duration(Math.floor(minutes / step) * step * 60e6, language);
}

/** A number without zeros at the end of its fraction. */
function trimmedDecimal(value: number, most: number, language: Language): string {
  const text = decimal(value, most, language);
  return most === 0 ? text : text.replace(/[.,]?0+$/, "");
}
