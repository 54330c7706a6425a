import type { GapSource } from "../gap-source.ts";
import type { FileChange } from "./file-identity.ts";

/** How another program changed the catalogue's file, as the second half of a sentence about the file. */
export const fileChanges: Record<FileChange, string> = {
  deleted: "was deleted",
  replaced: "was replaced by another file",
  touched: "was written to by another program",
  overwritten: "was overwritten with the content of another file",
};

/** Parses the journal position up to which a file has all gaps, `id position`; 0 if it is of another journal. */
export function knownPosition(fact: string | null, source: GapSource): number {
  const [id, position] = fact?.split(" ") ?? [];
  const known = id === source.id ? Number(position) : 0;
  return known <= source.position() ? known : 0;
}

/** The reason for a new file if there was no file before. */
export const noFileBefore = "did not exist";

/** Returns why a new file was created, as the second half of a sentence about the catalogue. */
export function freshness(change: string | null, asideTo: string | null): string {
  const moved = asideTo === null ? "" : ` and was moved to ${asideTo}`;
  if (change !== null) return `${change}${moved}`;
  return asideTo === null ? noFileBefore : `was damaged${moved}`;
}
