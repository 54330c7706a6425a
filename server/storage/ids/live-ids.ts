import { join } from "node:path";
import { type Day, liveFolder, type Segment, segmentOfPath, segmentPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { decodeLine, recordId } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered, streamKinds } from "../../domain/stream-kinds.ts";
import { codeOf } from "../../platform/errors.ts";
import { createReadStream, existsSync, readdirSync } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { createZstdPieces } from "../zstd/zstd-pieces.ts";
import { countIds, type IdRange, idsOutside, joinRanges } from "./id-ranges.ts";

/** Longest silence of a steady stream before it counts as a gap, µs. Quiet symbols are silent for 20 s. */
const silenceUs = 60_000_000;

/** Size of a piece read at once. Handling a piece takes well under a millisecond. */
const bytesAtOnce = 64 * 1024;

/** Longest valid line in bytes. */
const longestLine = 32 * 1024 * 1024;

/** Most backfilled ids remembered while reading a day. */
const maxBackfilled = 1_000_000;

/** Most late ids remembered while reading a day. */
const maxLate = 1_000_000;

/**
 * Finds a day's gaps from its segments alone, among records received before `beforeUs`.
 * A gap is a range of missing trade ids, or for a book a minute without a record. Ids that another connection brought late are not missing.
 * A segment that cannot be read is a gap from the record before it to the record after it. Reads every line, piece by piece.
 */
export async function findLiveMissingIds(dataDir: string, day: Day, beforeUs: number): Promise<readonly Gap[]> {
  const kind = streamTypeOfFolder(day.stream)?.kind;
  const counts = kind !== undefined && isNumbered(kind);
  const isSteady = kind !== undefined && streamKinds[kind].isSteady;
  const gaps: Gap[] = [];
  /** First and last missing id of each gap that was found by ids. */
  const missingIds = new Map<Gap, IdRange>();
  const backfilled: number[] = [];
  const late: IdRange[] = [];
  let lastUs: number | null = null;
  let lastId: number | null = null;
  let isBroken = false;

  function addLine(line: string): void {
    const record = decodeLine(line);
    if (record === null || kind === undefined || record.recvUs >= beforeUs) return;
    const id = recordId(line, kind);
    if (record.repaired) {
      if (id !== null && backfilled.length < maxBackfilled) backfilled.push(id);
      return;
    }
    const missing = counts && id !== null && lastId !== null ? id - lastId - 1 : null;
    if (missing !== null && missing < 0 && id !== null && late.length < maxLate) late.push({ first: id, last: id });
    const isSilent = isSteady && record.recvUs - (lastUs ?? record.recvUs) > silenceUs;
    const isGap = missing === null ? isSilent : missing > 0;
    if (lastUs !== null && (isGap || isBroken) && record.recvUs > lastUs) {
      const span = { from_us: lastUs, to_us: record.recvUs, missing: missing && Math.max(0, missing), repaired: 0 };
      const cause = missing === null ? "crash" : "missing";
      const gap: Gap = { stream: day.stream, symbol: day.symbol, ...span, cause };
      gaps.push(gap);
      if (missing !== null && missing > 0 && id !== null) missingIds.set(gap, { first: id - missing, last: id - 1 });
    }
    isBroken = false;
    lastUs = Math.max(lastUs ?? 0, record.recvUs);
    lastId = id === null ? lastId : Math.max(lastId ?? 0, id);
  }

  for (const segment of segmentsOf(dataDir, day)) {
    const end = await readSegment(dataDir, segment, addLine);
    if (end === "broken") isBroken = true;
    // The segment was merged meanwhile, so the time between its neighbours is unknown.
    if (end === "gone") [lastUs, lastId] = [null, null];
  }
  const lateIds = joinRanges(late);
  return gaps.flatMap((gap) => {
    const range = missingIds.get(gap);
    if (range === undefined) return [gap];
    const missing = idsOutside(range, lateIds);
    if (missing.length === 0) return [];
    const isMissing = (id: number) => missing.some(({ first, last }) => id >= first && id <= last);
    return [{ ...gap, missing: countIds(missing), repaired: new Set(backfilled.filter(isMissing)).size }];
  });
}

/** Returns when the last record in a day's segments was received, µs; null if no record can be read. */
export async function lastLiveUs(dataDir: string, day: Day): Promise<number | null> {
  let lastUs: number | null = null;
  for (const segment of segmentsOf(dataDir, day).slice(-2)) {
    // A broken segment is ignored here; the merge will report it.
    await readSegment(dataDir, segment, (line) => {
      lastUs = Math.max(lastUs ?? 0, decodeLine(line)?.recvUs ?? 0);
    });
  }
  return lastUs;
}

/** Lists the segments of a day, in order of time. */
function segmentsOf(dataDir: string, day: Day): Segment[] {
  const folder = liveFolder(dataDir, day);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const segments = names.flatMap((name) => segmentOfPath(join(folder, name))?.segment ?? []);
  const unique = new Map(segments.map((segment) => [segment.name, segment]));
  return [...unique.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
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
