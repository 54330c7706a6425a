import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { MinuteSpan } from "../../../../server/domain/queries.ts";

type Look = {
  readonly name: string;
  readonly states: readonly string[];
  readonly least: number;
  readonly y: number;
  readonly height: number;
};

/** Short gaps are drawn wide enough to be seen. Time that was never due, or is still to come, is a thin line. */
const looks: readonly Look[] = [
  { name: "b", states: ["before"], least: 0, y: 4, height: 2 },
  { name: "a", states: ["ahead"], least: 0, y: 4, height: 2 },
  { name: "w", states: ["recorded"], least: 0, y: 0, height: 10 },
  { name: "q", states: ["halted"], least: 6, y: 0, height: 10 },
  { name: "p", states: ["partial"], least: 12, y: 0, height: 10 },
  { name: "h", states: ["missing"], least: 12, y: 0, height: 10 },
];

/** A day's 1440 minutes as a bar. The figure beside it says the same to a screen reader. */
export function MinuteBar({ spans }: { spans: ReadonlySignal<readonly MinuteSpan[]> }) {
  return (
    <svg class="min" viewBox="0 0 1440 10" preserveAspectRatio="none" aria-hidden="true">
      {looks.map((look) => (
        <Part key={look.name} look={look} spans={spans} />
      ))}
    </svg>
  );
}

function Part({ look, spans }: { look: Look; spans: ReadonlySignal<readonly MinuteSpan[]> }) {
  const path = useComputed(() => minutePath(spans.value, look));
  return <path class={look.name} d={path} />;
}

function minutePath(spans: readonly MinuteSpan[], { states, least, y, height }: Look): string {
  return spans
    .filter(([, , state]) => states.includes(state))
    .map(([from, to]) => {
      const width = Math.max(to - from, least);
      return `M${Math.min(from, 1440 - width)} ${y}h${width}v${height}h-${width}z`;
    })
    .join("");
}
