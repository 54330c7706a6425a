import type { Gap } from "../gap.ts";
import type { Day } from "../segment.ts";
import type { NotedRun } from "./tables.ts";

/** The journal, as far as the catalogue follows it. */
export type GapSource = {
  readonly id: string;
  position(): number;
  gapsSince(position: number): readonly Gap[];
  gapsOf(day: Day): readonly Gap[];
  /** Oldest first. */
  runs(): readonly NotedRun[];
};
