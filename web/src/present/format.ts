import { language } from "../words/i18n.ts";

const dash = "–";
const formats = new Map<string, Intl.NumberFormat>();

/** A number with a fixed count of decimals and grouped digits. */
export function number(value: number, decimals = 0): string {
  const key = `${language.value}${decimals}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(language.value, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    formats.set(key, format);
  }
  return format.format(value);
}

/** A rate: one decimal while small. */
export function rate(perSecond: number): string {
  return number(perSecond, perSecond < 99.95 ? 1 : 0);
}

/** 0.213 → `21%`; one decimal below a tenth. */
export function percent(ratio: number): string {
  return `${number(ratio * 100, ratio < 0.0995 ? 1 : 0)}%`;
}

/** Coverage as a percentage that never rounds a hole away: only a whole day is 100%. */
export function coveragePercent(share: number | null): string {
  if (share === null) return dash;
  if (share >= 1) return "100%";
  const floored = Math.floor(share * 10_000) / 100;
  return `${number(floored, floored < 10 || floored >= 99 ? 2 : 1)}%`;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes in decimal units, three digits. */
export function bytes(value: number | null): string {
  if (value === null) return dash;
  let scaled = Math.max(0, value);
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${number(scaled, unit === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2)} ${units[unit]}`;
}

/** Milliseconds, in seconds from ten thousand on. */
export function milliseconds(value: number | null): string {
  if (value === null) return dash;
  if (Math.abs(value) >= 9999.5) return `${number(value / 1000, 1)} s`;
  return `${number(value, Math.abs(value) < 9.95 ? 1 : 0)} ms`;
}

const words = { en: { d: "d", h: "h", m: "min", s: "s" }, ko: { d: "일", h: "시간", m: "분", s: "초" } };

/** A time span in its two largest units: `1 d 2 h`, `3 min 5 s`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const word = words[language.value];
  const space = language.value === "ko" ? "" : " ";
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), word.d],
    [Math.floor(whole / 3600) % 24, word.h],
    [Math.floor(whole / 60) % 60, word.m],
    [whole % 60, word.s],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return `0${space}${word.s}`;
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${space}${unit}`)
    .join(" ");
}

/** How long ago something was; tenths below ten seconds. */
export function age(nowUs: number, thenUs: number | null): string {
  if (thenUs === null) return dash;
  const seconds = Math.max(0, (nowUs - thenUs) / 1e6);
  const space = language.value === "ko" ? "" : " ";
  return seconds < 9.95 ? `${number(seconds, 1)}${space}${words[language.value].s}` : duration(seconds);
}
