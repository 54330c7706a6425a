import { join } from "node:path";
import { type Day, liveFolder, type Segment, segmentOfPath, segmentPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { decodeLine, recordId } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered } from "../../domain/stream-kinds.ts";
import { codeOf } from "../../platform/errors.ts";
import { createReadStream, existsSync, readdirSync } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { createZstdPieces } from "../zstd/zstd-pieces.ts";

/** A stream without ids in a row is missed after this time, µs: quiet symbols are silent for 20 s. */
const silenceUs = 60_000_000;

/** A piece of a file costs well under a millisecond. */
const bytesAtOnce = 64 * 1024;

/** A line that is longer than this is none. */
const longestLine = 32 * 1024 * 1024;

/** Refetched ids that are remembered while a day is read. */
const mostRefetched = 1_000_000;

/**
 * Finds a day's holes in its segments alone, among records from before `beforeUs`: ids of trades that are absent, and for other
 * streams a minute without a record. Reads every line, in pieces. A segment that cannot be read is a hole from the record before it
 * to the one after it.
 */
export async function findLiveMissingIds(dataDir: string, day: Day, beforeUs: number): Promise<readonly Gap[]> {
  const kind = streamTypeOfFolder(day.stream)?.kind;
  const counts = kind !== undefined && isNumbered(kind);
  const gaps: Gap[] = [];
  /** First and last absent id of each gap that ids tell of. */
  const absent = new Map<Gap, readonly [number, number]>();
  const refetched: number[] = [];
  let lastUs: number | null = null;
  let lastId: number | null = null;
  let isBroken = false;

  function look(line: string): void {
    const found = decodeLine(line);
    if (found === null || kind === undefined || found.recvUs >= beforeUs) return;
    const id = recordId(line, kind);
    if (found.repaired) {
      if (id !== null && refetched.length < mostRefetched) refetched.push(id);
      return;
    }
    const missing = counts && id !== null && lastId !== null ? id - lastId - 1 : null;
    const isHole = missing === null ? found.recvUs - (lastUs ?? found.recvUs) > silenceUs : missing > 0;
    if (lastUs !== null && (isHole || isBroken) && found.recvUs > lastUs) {
      const span = { from_us: lastUs, to_us: found.recvUs, missing, repaired: 0 };
      const cause = missing === null ? "crash" : "missing";
      const gap: Gap = { stream: day.stream, symbol: day.symbol, ...span, cause };
      gaps.push(gap);
      if (missing !== null && id !== null) absent.set(gap, [id - missing, id - 1]);
    }
    isBroken = false;
    lastUs = Math.max(lastUs ?? 0, found.recvUs);
    lastId = id === null ? lastId : Math.max(lastId ?? 0, id);
  }

  for (const segment of segmentsOf(dataDir, day)) {
    const end = await readSegment(dataDir, segment, look);
    if (end === "broken") isBroken = true;
    // It was merged meanwhile: nothing is known of what lies between its neighbours.
    if (end === "gone") [lastUs, lastId] = [null, null];
  }
  return gaps.map((gap) => {
    const [first, last] = absent.get(gap) ?? [0, -1];
    return { ...gap, repaired: new Set(refetched.filter((id) => id >= first && id <= last)).size };
  });
}

/** When the newest record of a day's segments was received, µs; null if they hold none that can be read. */
export async function lastLiveUs(dataDir: string, day: Day): Promise<number | null> {
  let lastUs: number | null = null;
  for (const segment of segmentsOf(dataDir, day).slice(-2)) {
    // The merge will say what is wrong with a broken one.
    await readSegment(dataDir, segment, (line) => {
      lastUs = Math.max(lastUs ?? 0, decodeLine(line)?.recvUs ?? 0);
    });
  }
  return lastUs;
}

/** In the order of time. */
function segmentsOf(dataDir: string, day: Day): Segment[] {
  const folder = liveFolder(dataDir, day);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const segments = names.flatMap((name) => segmentOfPath(join(folder, name))?.segment ?? []);
  const unique = new Map(segments.map((segment) => [segment.name, segment]));
  return [...unique.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads the lines of a segment, which may be sealed and merged meanwhile: its sealed file is there before its raw one goes. */
async function readSegment(
  dataDir: string,
  segment: Segment,
  look: (line: string) => void,
): Promise<"read" | "broken" | "gone"> {
  for (const state of ["open", "sealed"] as const) {
    try {
      for await (const line of linesOf(segmentPath(dataDir, segment, state))) look(line);
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
        // Whoever records goes first.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  } finally {
    file.destroy();
    unpacker?.close();
  }
  // Bun's decoder takes the end of the input for the end of the frame.
  const problem = walker === null ? null : frameProblem(walker.shape());
  if (problem !== null) throw new Error(problem);
}
