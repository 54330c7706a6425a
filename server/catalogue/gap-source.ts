import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { NotedRun } from "./tables/tables.ts";

/** The journal, as far as the catalogue follows it. */
export type GapSource = {
  readonly id: string;
  position(): number;
  gapsSince(position: number): readonly Gap[];
  gapsOf(day: Day): readonly Gap[];
  /** Oldest first. */
  runs(): readonly NotedRun[];
};
