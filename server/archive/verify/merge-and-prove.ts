import type { BookProof } from "../../domain/book/book-proof.ts";
import { mergeDay, saveBookProof } from "../merge/merge-day.ts";
import type { DayJob, DayResult } from "../merge/write-archive.ts";
import { proveBooks, provedFolder } from "./prove-books.ts";

/**
 * Merges a day. If the rows are diffs and have changed, their books are proved, and the result goes into the manifest. The other streams of
 * the day are read from archives or segments. A failure of the proof is no failure of the merge: the manifest then has no result.
 */
export async function mergeAndProve(job: DayJob, alive: () => void = () => {}): Promise<DayResult> {
  const result = mergeDay(job, alive);
  const { manifest } = result;
  if (result.kind !== "archived" || manifest === null || job.day.stream !== provedFolder) return result;
  try {
    const proved = await proveBooks(job.dataDir, job.day, { onTurn: alive });
    return proved === null ? result : { ...result, manifest: saveBookProof(job.dataDir, manifest, storedOf(proved)) };
  } catch {
    return result;
  }
}

function storedOf({ proved, compared_levels, differences, unprovable }: BookProof): BookProof {
  return { proved, compared_levels, differences, unprovable };
}
