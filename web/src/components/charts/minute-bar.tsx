import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { MinuteSpan, MinuteState } from "../../../../server/domain/queries.ts";

const drawn: readonly MinuteState[] = ["recorded", "partial", "missing", "halted"];

/** A day's 1440 minutes as a bar; what is to come is left blank. A short hole is drawn wide enough to be seen. */
export function MinuteBar({ spans }: { spans: ReadonlySignal<readonly MinuteSpan[]> }) {
  return (
    <svg class="minutes" viewBox="0 0 1440 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="1440" height="10" />
      {drawn.map((state) => (
        <Part key={state} state={state} spans={spans} />
      ))}
    </svg>
  );
}

function Part({ state, spans }: { state: MinuteState; spans: ReadonlySignal<readonly MinuteSpan[]> }) {
  const path = useComputed(() => {
    const least = state === "recorded" ? 0 : 12;
    return spans.value
      .filter((span) => span[2] === state)
      .map(([from, to]) => {
        const width = Math.max(to - from, least);
        return `M${Math.min(from, 1440 - width)} 0h${width}v10h-${width}z`;
      })
      .join("");
  });
  return <path class={state} d={path} />;
}
