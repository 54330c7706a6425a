import { join } from "node:path";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { readdir, stat, statfs } from "../../platform/files/files-async.ts";

/** What of a data folder may lie on a file system of its own, by a link or a mount. */
export type VolumePart = "data" | "live" | "archive";

/** One file system that holds a part of the data folder. */
export type Volume = {
  /** "data" for the one of the data folder itself, otherwise its part. */
  readonly name: VolumePart;
  readonly path: string;
  readonly holds: readonly VolumePart[];
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Null if the file system makes inodes as they are needed (btrfs) or does not say. */
  readonly freeInodes: number | null;
  readonly totalInodes: number | null;
  /** Why it cannot be measured, or null; the figures are 0 then. */
  readonly problem: string | null;
};

const parts: readonly VolumePart[] = ["data", "live", "archive"];

/** Which part lies where, as device number or as the reason that it cannot be told. */
type Layout = ReadonlyMap<string, readonly VolumePart[]>;

/** Measures every file system of a data folder; never rejects. What does not exist yet counts as a part of the data folder. */
export async function measureVolumes(dataDir: string): Promise<readonly Volume[]> {
  const layout = await layoutOf(dataDir);
  return Promise.all([...layout].map(([key, holds]) => measure(dataDir, key, holds)));
}

/** Free bytes of the file system on which archives lie, which removing archives makes more of. */
export async function freeForArchives(dataDir: string): Promise<number> {
  const volumes = await measureVolumes(dataDir);
  return volumes.find(({ holds }) => holds.includes("archive"))?.freeBytes ?? 0;
}

async function layoutOf(dataDir: string): Promise<Layout> {
  const layout = new Map<string, VolumePart[]>();
  const own = await keyOf(dataDir, "data");
  // Nothing can be told of its parts then.
  if (own?.startsWith("! ")) return new Map([[own, parts]]);
  for (const part of parts) {
    const key = part === "data" ? own : ((await keyOf(dataDir, part)) ?? own);
    if (key === null) continue;
    layout.set(key, [...(layout.get(key) ?? []), part]);
  }
  return layout;
}

/** Null if it does not exist. */
async function keyOf(dataDir: string, part: VolumePart): Promise<string | null> {
  try {
    return `${(await stat(pathOf(dataDir, part))).dev}`;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return `! ${messageOf(error)}`;
    const isThere = part !== "data" && (await readdir(dataDir).catch((): string[] => [])).includes(part);
    // It may have been made between the two looks.
    const made = isThere ? await stat(pathOf(dataDir, part)).catch(() => null) : null;
    if (made !== null) return `${made.dev}`;
    return isThere ? `! ${pathOf(dataDir, part)} is a link that leads nowhere; is its disk mounted?` : null;
  }
}

async function measure(dataDir: string, key: string, holds: readonly VolumePart[]): Promise<Volume> {
  const name = holds[0] ?? "data";
  const about = { name, path: pathOf(dataDir, name), holds };
  const nothing = { freeBytes: 0, totalBytes: 0, freeInodes: null, totalInodes: null };
  if (key.startsWith("! ")) return { ...about, ...nothing, problem: key.slice(2) };
  try {
    const { bavail, bsize, blocks, files, ffree } = await statfs(about.path);
    return {
      ...about,
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
      freeInodes: files > 0 ? ffree : null,
      totalInodes: files > 0 ? files : null,
      problem: null,
    };
  } catch (error) {
    return { ...about, ...nothing, problem: messageOf(error) };
  }
}

function pathOf(dataDir: string, part: VolumePart): string {
  return part === "data" ? dataDir : join(dataDir, part);
}
