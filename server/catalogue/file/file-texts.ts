import type { GapSource } from "../gap-source.ts";
import type { FileChange } from "./file-identity.ts";

/** What somebody has done to the catalogue's file, as the second half of a sentence about it. */
export const fileChanges: Record<FileChange, string> = {
  deleted: "was deleted",
  replaced: "was replaced by another file",
  touched: "was written to by another program",
  overwritten: "was overwritten with another file's content",
};

/** The journal's position up to which a file has its gaps, from the fact that is kept in it; 0 for another journal's. */
export function knownPosition(fact: string | null, source: GapSource): number {
  const [id, position] = fact?.split(" ") ?? [];
  const known = id === source.id ? Number(position) : 0;
  return known <= source.position() ? known : 0;
}

/** Why a new file was begun, as the second half of a sentence about the catalogue. */
export function freshness(what: string | null, asideTo: string | null): string {
  const lies = asideTo === null ? "" : ` and lies at ${asideTo} now`;
  if (what !== null) return `${what}${lies}`;
  return asideTo === null ? "was not there" : `was damaged${lies}`;
}
