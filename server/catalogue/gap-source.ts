import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { NotedRun } from "./tables/tables.ts";

/** The part of the journal that the catalogue reads. */
export type GapSource = {
  readonly id: string;
  position(): number;
  gapsSince(position: number): readonly Gap[];
  gapsOf(day: Day): readonly Gap[];
  /** Oldest first. */
  runs(): readonly NotedRun[];
};
