import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { Glob } from "bun";
import { dayOfPath, manifestPath, segmentOfPath } from "../../../server/domain/day.ts";
import { decodeLine, type Line } from "../../../server/domain/line.ts";

/**
 * Files of a data folder that hold market data, in the order of time within each stream; the facts about symbols are left out. A recorder
 * may be sealing or merging meanwhile, or was stopped in the middle of that.
 */
export function dataFiles(dataDir: string): string[] {
  const all = new Set(new Glob("{archive,live}/**/*.jsonl{,.zst}").scanSync(dataDir));
  return [...all]
    .filter((path) => !path.includes("stream=exchangeInfo/"))
    .filter((path) => !(all.has(`${path}.zst`) && isSealedToo(dataDir, path)) && !isMergedToo(dataDir, path))
    .sort((a, b) => {
      const [left, right] = [a, b].map((path) => path.slice(path.indexOf("stream=")));
      return (left ?? "") < (right ?? "") ? -1 : 1;
    });
}

/** A stop may come between the archive with its manifest and the end of the segments: the next start removes them. */
function isMergedToo(dataDir: string, path: string): boolean {
  const parsed = segmentOfPath(join(dataDir, path));
  const manifest = parsed === null ? null : contentOf(manifestPath(dataDir, parsed.segment));
  if (parsed === null || manifest === null) return false;
  return (JSON.parse(manifest.toString()).segments ?? []).includes(parsed.segment.name);
}

/** A stop may come between the sealed copy and the end of its raw segment: the next start removes the raw one, which says the same. */
function isSealedToo(dataDir: string, path: string): boolean {
  const sealed = zstdDecompressSync(readFileSync(join(dataDir, `${path}.zst`)));
  const raw = contentOf(join(dataDir, path));
  return raw === null || sealed.equals(raw);
}

/** The bytes of a file; null if it is gone. */
function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw error;
  }
}

/** Every line of a file, decoded; of its sealed copy if it was sealed meanwhile. Throws for a torn or foreign line. */
export function readLines(dataDir: string, file: string): Line[] {
  const path = join(dataDir, file);
  const isSealed = file.endsWith(".zst");
  const raw = isSealed ? null : contentOf(path);
  const bytes = raw ?? zstdDecompressSync(readFileSync(isSealed ? path : `${path}.zst`));
  const text = new TextDecoder().decode(bytes);
  if (text !== "" && !text.endsWith("\n")) throw new Error(`${file} has a torn tail: ${text.slice(-80)}`);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const decoded = decodeLine(line);
      if (decoded === null) throw new Error(`${file} holds a foreign line: ${line.slice(0, 200)}`);
      return decoded;
    });
}

/** All records of a data folder by `SYMBOL/stream folder`, archives and segments together, in order. */
export function readRecords(dataDir: string): Map<string, Line[]> {
  const records = new Map<string, Line[]>();
  for (const file of dataFiles(dataDir)) {
    const day = dayOfPath(file);
    if (day === null) throw new Error(`${file} lies outside of any day`);
    const key = `${day.symbol}/${day.stream}`;
    const lines = records.get(key) ?? [];
    for (const line of readLines(dataDir, file)) lines.push(line);
    records.set(key, lines);
  }
  return records;
}
