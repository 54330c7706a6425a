import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { StreamWriter } from "./stream-writer.ts";

/** Lets streams that are more than may be open take turns, so that each is written and none fills the memory. */
export type DescriptorTurns = {
  /** Those that have had their segment longest make room for as many as were refused; to be called after each flush of all. */
  pass(nowUs: number): void;
  /** There is room: whoever has waited longest gets it. */
  onFree(nowUs: number): void;
};

/** `turnMs`: one keeps its segment at least so long. */
export function createDescriptorTurns(
  { turnMs }: { turnMs: number },
  { tracks, places }: { tracks: () => readonly StreamWriter[]; places: DescriptorBudget },
): DescriptorTurns {
  return {
    pass(nowUs) {
      const wanted = places.missed();
      if (wanted === 0) return;
      const untilMs = performance.now() - turnMs;
      const since = (track: StreamWriter) => track.openedMs() ?? Number.POSITIVE_INFINITY;
      const due = tracks().filter((track) => since(track) <= untilMs);
      for (const track of due.sort((a, b) => since(a) - since(b)).slice(0, wanted)) track.closeSegment(nowUs);
    },
    onFree(nowUs) {
      const waiting = tracks().flatMap((track) => {
        const fromUs = track.openedMs() === null ? track.unwritten()?.fromUs : undefined;
        return fromUs === undefined ? [] : [{ track, fromUs }];
      });
      waiting.sort((a, b) => a.fromUs - b.fromUs)[0]?.track.flush(nowUs);
    },
  };
}
