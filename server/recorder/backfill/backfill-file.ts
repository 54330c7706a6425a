import { dirname } from "node:path";
import { promisify } from "node:util";
import { type Segment, segmentPath } from "../../domain/day.ts";
import { close, fdatasync, fstat, ftruncate, openDescriptor, write } from "../../platform/files/files.ts";
import { mkdir, open } from "../../platform/files/files-async.ts";
import { createFree, type UsedNames } from "../write/free-segment-name.ts";

/** A segment of backfilled trades that is being written. The calling thread never waits for the disk. */
export type BackfillFile = {
  readonly segment: Segment;
  bytes(): number;
  /**
   * Appends lines; resolves when they are on disk. If it rejects with the system's error, the file is cut back to its old length and the
   * same lines may be tried again. A file that another program has cut short is never lengthened: that would fill it with NULs.
   */
  append(lines: string): Promise<void>;
  close(): Promise<void>;
};

const openNew = promisify(openDescriptor);
const sizeOf = promisify(fstat);
const truncate = promisify(ftruncate);
const sync = promisify(fdatasync);
const closeFile = promisify(close);

/** Creates a separate segment in the window of `wanted`; rejects with the system's error. */
export async function createBackfillFile(
  folder: { readonly dataDir: string; readonly usedNames?: UsedNames | undefined },
  wanted: Segment,
): Promise<BackfillFile> {
  const { dataDir } = folder;
  await mkdir(dirname(segmentPath(dataDir, wanted, "open")), { recursive: true });
  const { segment, file: fd } = await createFree(folder, wanted, (path) => openNew(path, "ax"));
  const path = segmentPath(dataDir, segment, "open");
  let bytes = 0;
  let isNamed = false;

  async function cutBack(partial: number): Promise<void> {
    const { size } = await sizeOf(fd);
    const whole = Math.max(0, Math.min(bytes, size - partial));
    if (size > whole) await truncate(fd, whole);
  }

  return {
    segment,
    bytes: () => bytes,
    async append(lines) {
      const buffer = Buffer.from(lines);
      let written = 0;
      try {
        while (written < buffer.length) written += await writeSome(fd, buffer, written);
        await sync(fd);
        if (!isNamed) await syncName(dirname(path));
      } catch (error) {
        await cutBack(written).catch(() => {});
        throw error;
      }
      isNamed = true;
      bytes += buffer.length;
    },
    close: () => closeFile(fd),
  };
}

function writeSome(fd: number, content: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, content, at, content.length - at, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

async function syncName(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
