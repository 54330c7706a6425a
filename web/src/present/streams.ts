/** Returns the folder name of a stream: its name without the speed. */
export function folderOf(stream: string): string {
  return stream.replace(/@.*/, "");
}

/** True for streams of books, whose missing records cannot be fetched again. */
export function isBookStream(stream: string): boolean {
  return stream.startsWith("depth") || stream === "bookTicker";
}

/** True if all missing records of a gap were backfilled. */
export function isRefetched({ missing, repaired }: { readonly missing: number | null; readonly repaired: number }) {
  return missing !== null && repaired >= missing;
}
