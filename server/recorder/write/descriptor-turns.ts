import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { StreamWriter } from "./stream-writer.ts";

/** Lets streams take turns when more streams exist than segments may be open. Each stream is written in its turn. */
export type DescriptorTurns = {
  /** Closes the longest open segments, as many as requests were refused. Call it after each flush of all streams. */
  pass(nowUs: number): void;
  /** A descriptor is free: flushes the stream that has waited longest. */
  onFree(nowUs: number): void;
};

/** Creates the turns. `turnMs`: shortest time that a stream keeps its segment. */
export function createDescriptorTurns(
  { turnMs }: { turnMs: number },
  { writers, descriptorBudget }: { writers: () => readonly StreamWriter[]; descriptorBudget: DescriptorBudget },
): DescriptorTurns {
  return {
    pass(nowUs) {
      const wanted = descriptorBudget.missed();
      if (wanted === 0) return;
      const untilMs = performance.now() - turnMs;
      const since = (writer: StreamWriter) => writer.openedMs() ?? Number.POSITIVE_INFINITY;
      const due = writers().filter((writer) => since(writer) <= untilMs);
      for (const writer of due.sort((a, b) => since(a) - since(b)).slice(0, wanted)) writer.closeSegment(nowUs);
    },
    onFree(nowUs) {
      const waiting = writers().flatMap((writer) => {
        const fromUs = writer.openedMs() === null ? writer.unwritten()?.fromUs : undefined;
        return fromUs === undefined ? [] : [{ writer, fromUs }];
      });
      waiting.sort((a, b) => a.fromUs - b.fromUs)[0]?.writer.flush(nowUs);
    },
  };
}
