import { escapeHtml } from "../api/html.ts";

/** Colours of the pictures: the page's dark theme, which most phones use. */
export const ink = {
  ground: "#0d1015",
  surface: "#151a21",
  line: "#2a3340",
  text: "#e7ebf0",
  soft: "#9aa6b5",
  accent: "#69a2ff",
  good: "#37c08a",
  warn: "#e7ab45",
  bad: "#f5717b",
  blank: "#212934",
} as const;

/** The only available font; its digits have equal width. It has Latin, Greek and Cyrillic letters. */
const fontFamily = "Roboto Medium";

/** Letters of other scripts, together. */
const undrawable = /[\u0530-\u1dff\u2c00-\u{10ffff}]+/gu;

/** Most letters of a script that are named. */
const mostNamed = 3;

/**
 * Replaces letters that the font does not have by their numbers: `[5E01 5B89 4EBA…]USDT`. So every symbol has a name in its picture; the
 * caption has the name itself.
 */
export function drawable(text: string): string {
  return text.replace(undrawable, (letters) => {
    const numbers = [...letters].map((letter) =>
      (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0"),
    );
    return `[${numbers.slice(0, mostNamed).join(" ")}${numbers.length > mostNamed ? "…" : ""}]`;
  });
}

/** Type sizes, px in a picture of 1080 px width. A phone shows a third of that. */
export const type = { title: 62, large: 46, normal: 32, small: 28 } as const;

/** Width of every picture, px. */
export const pictureWidth = 1080;

/** Joins parts into a picture of this height, px. */
export function svg(height: number, parts: readonly string[]): string {
  const size = `width="${pictureWidth}" height="${height}" viewBox="0 0 ${pictureWidth} ${height}"`;
  const ground = `<rect width="${pictureWidth}" height="${height}" fill="${ink.ground}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${fontFamily}">${ground}${parts.join("")}</svg>`;
}

/** Draws a text whose baseline starts, ends or is centred at a point. */
export function label(
  x: number,
  y: number,
  text: string,
  style: { size?: number; fill?: string; anchor?: "start" | "middle" | "end" } = {},
): string {
  const { size = type.normal, fill = ink.text, anchor = "start" } = style;
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}">${escapeHtml(drawable(text))}</text>`;
}

/** Draws a filled rectangle. */
export function box(x: number, y: number, width: number, height: number, fill: string, more = ""): string {
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" fill="${fill}" ${more}/>`;
}

/** Draws a thin horizontal line. */
export function rule(x: number, y: number, width: number, stroke: string = ink.line): string {
  return `<path d="M${at(x)} ${at(y)}h${at(width)}" stroke="${stroke}" stroke-width="2" fill="none"/>`;
}

/** Draws a line through points; null breaks it. A single point becomes a dot. */
export function polyline(
  points: readonly (readonly [x: number, y: number] | null)[],
  stroke: string,
  options: { width?: number; floor?: number } = {},
): string {
  const { width = 4, floor } = options;
  const runs: (readonly [number, number])[][] = [[]];
  for (const point of points) {
    if (point === null) runs.push([]);
    else runs.at(-1)?.push(point);
  }
  const shown = runs.filter((run) => run.length > 0);
  const path = (run: readonly (readonly [number, number])[]) => run.map(([x, y]) => `${at(x)} ${at(y)}`).join("L");
  const lines = shown.map((run) => `M${path(run)}${run.length === 1 ? "h6" : ""}`).join("");
  const line = `<path d="${lines}" stroke="${stroke}" stroke-width="${width}" fill="none" stroke-linejoin="round" stroke-linecap="round"/>`;
  if (floor === undefined) return line;
  const areas = shown.map(
    (run) => `M${at(run[0]?.[0] ?? 0)} ${floor}L${path(run)}L${at(run.at(-1)?.[0] ?? 0)} ${floor}Z`,
  );
  return `<path d="${areas.join("")}" fill="${stroke}" fill-opacity="0.14"/>${line}`;
}

/** Estimates the width of a text, px. */
export function textWidth(text: string, size: number): number {
  let ems = 0;
  for (const letter of text) ems += /[.,:·' il|]/.test(letter) ? 0.26 : /[A-Z%MW]/.test(letter) ? 0.65 : 0.565;
  return ems * size;
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
