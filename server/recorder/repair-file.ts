import { close, fdatasync, ftruncate, mkdirSync, openSync, write } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { type Segment, segmentPath } from "../segment.ts";
import { freeSegment } from "./free-segment.ts";

/** A segment of refetched trades while it is written. Nothing of it is done in the calling thread but its creation. */
export type RepairFile = {
  readonly segment: Segment;
  bytes(): number;
  /**
   * Appends lines; resolves when they are on disk. If it rejects with what the system says, the file holds what it held before and
   * the same lines may be tried again.
   */
  append(lines: string): Promise<void>;
  close(): Promise<void>;
};

const writeAt = promisify(write);
const truncate = promisify(ftruncate);
const sync = promisify(fdatasync);
const closeFile = promisify(close);

/** Creates a segment of its own in the window of `wanted`; throws the system's error. */
export function createRepairFile(dataDir: string, wanted: Segment): RepairFile {
  mkdirSync(dirname(segmentPath(dataDir, wanted, "open")), { recursive: true });
  // Found and created in one go, since the live track looks for a free name as well.
  const segment = freeSegment(dataDir, wanted);
  const path = segmentPath(dataDir, segment, "open");
  const fd = openSync(path, "wx");
  let bytes = 0;
  let isNamed = false;

  return {
    segment,
    bytes: () => bytes,
    async append(lines) {
      const buffer = Buffer.from(lines);
      try {
        for (let at = 0; at < buffer.length; )
          at += (await writeAt(fd, buffer, at, buffer.length - at, bytes + at)).bytesWritten;
        await sync(fd);
        if (!isNamed) await syncName(dirname(path));
      } catch (error) {
        await truncate(fd, bytes).catch(() => {});
        throw error;
      }
      isNamed = true;
      bytes += buffer.length;
    },
    close: () => closeFile(fd),
  };
}

async function syncName(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
