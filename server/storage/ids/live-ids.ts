import { type Day, type Segment, segmentPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import {
  type HighestRecord,
  higherOf,
  type MissingIds,
  missingBefore,
  removeBackfilled,
  removeIds,
} from "../../domain/ids/id-order.ts";
import type { IdRange } from "../../domain/ids/id-ranges.ts";
import { decodeLine, recordIds } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered, streamKinds } from "../../domain/stream-kinds.ts";
import { codeOf } from "../../platform/errors.ts";
import { createReadStream } from "../../platform/files/files.ts";
import { segmentsOfDay } from "../list/stored-lines.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { createZstdPieces } from "../zstd/zstd-pieces.ts";

/** Longest silence of a steady stream before it counts as a gap, µs. Quiet symbols are silent for 20 s. */
const silenceUs = 60_000_000;

/** Size of a piece read at once. Handling a piece takes well under a millisecond. */
const bytesAtOnce = 64 * 1024;

/** Longest valid line in bytes. */
const longestLine = 32 * 1024 * 1024;

/** Most backfilled records remembered while reading a day. */
const maxBackfilled = 1_000_000;

/**
 * Finds a day's gaps from its segments alone, among records received before `beforeUs`.
 * A gap is a range of missing trade or diff ids, or for a book a minute without a record. Ids that another connection brought late are not
 * missing. A segment that cannot be read is a gap from the record before it to the record after it. Reads every line, piece by piece.
 */
export async function findLiveMissingIds(dataDir: string, day: Day, beforeUs: number): Promise<readonly Gap[]> {
  const type = streamTypeOfFolder(day.stream);
  if (type === null) return [];
  const { kind } = type;
  const counts = isNumbered(kind);
  const { isSteady } = streamKinds[kind];
  /** By start, which identifies a gap. */
  const gaps = new Map<number, Gap>();
  /** Starts of gaps in which ids were skipped. The ids that are still missing are in `missing`. */
  const skips = new Set<number>();
  const missing: MissingIds[] = [];
  const backfilled: IdRange[] = [];
  let highest: HighestRecord | null = null;
  let lastUs: number | null = null;
  let isBroken = false;

  function addGap(fromUs: number, recvUs: number, isProven: boolean): void {
    gaps.set(fromUs, {
      stream: day.stream,
      symbol: day.symbol,
      from_us: fromUs,
      to_us: Math.max(recvUs, fromUs + 1),
      cause: isProven ? "missing" : "crash",
      missing: counts && isProven ? 0 : null,
      repaired: 0,
    });
  }

  function addLine(line: string): void {
    const record = decodeLine(line);
    if (record === null || record.recvUs >= beforeUs) return;
    const ids = recordIds(line, kind);
    if (record.repaired) {
      if (ids !== null && backfilled.length < maxBackfilled) backfilled.push(ids);
      return;
    }
    const { recvUs } = record;
    const row = ids && { ...ids, recvUs };
    const skipped = row && missingBefore(kind, highest, row);
    const isSilent = isSteady && recvUs - (lastUs ?? recvUs) > silenceUs;
    if (skipped !== null) {
      missing.push(skipped);
      skips.add(skipped.fromUs);
      addGap(skipped.fromUs, recvUs, counts || !(isSilent || isBroken));
    } else if (lastUs !== null && (isSilent || isBroken) && recvUs > lastUs) {
      addGap(lastUs, recvUs, counts && row !== null && highest !== null);
    }
    if (row !== null) {
      removeIds(missing, row);
      highest = higherOf(highest, row);
    }
    isBroken = false;
    lastUs = Math.max(lastUs ?? 0, recvUs);
  }

  for (const { segment } of segmentsOfDay(dataDir, day)) {
    const end = await readSegment(dataDir, segment, addLine);
    if (end === "broken") isBroken = true;
    // The segment was merged meanwhile, so the time between its neighbours is unknown.
    if (end === "gone") [lastUs, highest] = [null, null];
  }
  const absent = countByStart(missing);
  const rest = countByStart(removeBackfilled(missing, backfilled).rest);
  return [...gaps.values()].flatMap((gap) => {
    if (!skips.has(gap.from_us)) return [gap];
    const count = absent.get(gap.from_us) ?? 0;
    if (count === 0 && gap.cause === "missing") return [];
    return [counts ? { ...gap, missing: count, repaired: count - (rest.get(gap.from_us) ?? 0) } : gap];
  });
}

/** Counts missing ids by the start of their gap. */
function countByStart(missing: readonly MissingIds[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { fromUs, fromId, toId } of missing) counts.set(fromUs, (counts.get(fromUs) ?? 0) + toId - fromId + 1);
  return counts;
}

/** Returns when the last record in a day's segments was received, µs; null if no record can be read. */
export async function lastLiveUs(dataDir: string, day: Day): Promise<number | null> {
  let lastUs: number | null = null;
  for (const { segment } of segmentsOfDay(dataDir, day).slice(-2)) {
    // A broken segment is ignored here; the merge will report it.
    await readSegment(dataDir, segment, (line) => {
      lastUs = Math.max(lastUs ?? 0, decodeLine(line)?.recvUs ?? 0);
    });
  }
  return lastUs;
}

/** Reads the lines of a segment. It may be sealed and merged meanwhile: the sealed file appears before the open file is removed. */
async function readSegment(
  dataDir: string,
  segment: Segment,
  onLine: (line: string) => void,
): Promise<"read" | "broken" | "gone"> {
  for (const state of ["open", "sealed"] as const) {
    try {
      for await (const line of linesOf(segmentPath(dataDir, segment, state))) onLine(line);
      return "read";
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return "broken";
    }
  }
  return "gone";
}

async function* linesOf(path: string): AsyncGenerator<string, void> {
  const file = createReadStream(path, { highWaterMark: bytesAtOnce });
  const walker = path.endsWith(".zst") ? createFrameWalker() : null;
  const unpacker = walker === null ? null : createZstdPieces();
  let rest: string[] = [];
  let restLength = 0;

  function* linesIn(piece: Uint8Array): Generator<string, void> {
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("latin1");
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) {
      const lines = (rest.join("") + text.slice(0, end)).split("\n");
      lines.pop();
      rest = [];
      restLength = 0;
      yield* lines;
    }
    rest.push(text.slice(end));
    restLength += text.length - end;
    if (restLength > longestLine) throw new Error(`a line is longer than ${longestLine} bytes`);
  }

  try {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      walker?.push(chunk);
      for (const piece of unpacker === null ? [chunk] : unpacker.unpack(chunk)) {
        yield* linesIn(piece);
        // The recording has priority, so let it run between two pieces.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  } finally {
    file.destroy();
    unpacker?.close();
  }
  // Bun's decoder accepts a truncated frame.
  const problem = walker === null ? null : frameProblem(walker.shape());
  if (problem !== null) throw new Error(problem);
}
