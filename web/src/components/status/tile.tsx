import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Status } from "../../../../server/domain/status.ts";
import { status } from "../../state/state.ts";
import { Value } from "./value.tsx";

type TileProps = {
  name: string;
  label: string;
  read: (status: Status) => string;
  unit?: string;
  hint: (status: Status) => string;
  children?: ComponentChildren;
};

/** One figure: what it is, how much, and what is to be said about it. `name` is for tests and style. */
export function Tile({ name, label, read, unit, hint, children }: TileProps) {
  return (
    <div class="tile" data-tile={name}>
      <dt>{label}</dt>
      <dd class="figure">
        <span class="amount">
          <Value read={read} />
        </span>
        {unit !== undefined && <span class="unit">{unit}</span>}
      </dd>
      <dd class="hint">
        <Value read={hint} />
      </dd>
      {children}
    </div>
  );
}

/** A bar from nothing to full; amber from `warn`, red from `bad` on. The figure beside it says the same in words. */
export function Meter({ read, warn, bad }: { read: (status: Status) => number; warn: number; bad: number }) {
  const ratio = useComputed(() => (status.value === null ? 0 : Math.min(1, Math.max(0, read(status.value)))));
  const level = useComputed(() => (ratio.value >= bad ? "meter bad" : ratio.value >= warn ? "meter warn" : "meter"));
  const fill = useComputed(() => (ratio.value * 100).toFixed(1));
  return (
    <svg class={level} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="4" />
      <rect class="fill" width={fill} height="4" />
    </svg>
  );
}
