import type { DayMark, Level } from "../../present/levels.ts";

const width = 240;
const height = 18;

/** How high the missing part of a bar is, with the slit below it. */
const missing: Readonly<Partial<Record<Level, number>>> = { hair: 3, part: 6, poor: 12, none: 18 };

/** Thirty days of a symbol as small bars. The figure beside them says the same to a screen reader. */
export function MonthBars({ days }: { days: readonly DayMark[] }) {
  const step = width / Math.max(1, days.length);
  const paths = { w: "", p: "", h: "", b: "" };
  days.forEach(({ level }, n) => {
    const bar = (top: number, bottom: number) =>
      `M${(n * step).toFixed(1)} ${top}h${(step * 0.75).toFixed(1)}V${bottom}h-${(step * 0.75).toFixed(1)}z`;
    const high = missing[level] ?? 0;
    if (level === "before" || level === "ahead") paths.b += bar(height - 2, height);
    else if (high > 0) {
      paths[level === "hair" || level === "part" ? "p" : "h"] += bar(0, high);
      if (high < height) paths.w += bar(high + 2, height);
    } else paths.w += bar(level === "today" ? 2 : 0, height);
  });
  return (
    <svg class="mini" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {(["w", "p", "h", "b"] as const).map((name) => (
        <path key={name} class={name} d={paths[name]} />
      ))}
    </svg>
  );
}
