import { join } from "node:path";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { readdir, stat, statfs } from "../../platform/files/files-async.ts";

/** A part of a data folder that may be on its own file system, by a link or a mount. */
export type VolumePart = "data" | "live" | "archive";

/** One file system that holds a part of the data folder. */
export type Volume = {
  /** "data" is the file system of the data folder itself, otherwise the part on it. */
  readonly name: VolumePart;
  readonly path: string;
  readonly holds: readonly VolumePart[];
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Null if the file system creates inodes as needed (btrfs) or does not report them. */
  readonly freeInodes: number | null;
  readonly totalInodes: number | null;
  /** Why it cannot be measured, or null. If set, the figures are 0. */
  readonly problem: string | null;
};

const parts: readonly VolumePart[] = ["data", "live", "archive"];

/** The parts on each file system. The key is the device number, or "! " and the reason why it is unknown. */
type Layout = ReadonlyMap<string, readonly VolumePart[]>;

/** Measures every file system of a data folder. Never rejects. A part that does not exist yet counts as part of the data folder. */
export async function measureVolumes(dataDir: string): Promise<readonly Volume[]> {
  const layout = await layoutOf(dataDir);
  return Promise.all([...layout].map(([key, holds]) => measure(dataDir, key, holds)));
}

/** Returns the free bytes on the file system of the archives, which removing archives increases. */
export async function freeForArchives(dataDir: string): Promise<number> {
  const volumes = await measureVolumes(dataDir);
  return volumes.find(({ holds }) => holds.includes("archive"))?.freeBytes ?? 0;
}

async function layoutOf(dataDir: string): Promise<Layout> {
  const layout = new Map<string, VolumePart[]>();
  const dataKey = await keyOf(dataDir, "data");
  // If the data folder cannot be read, its parts are unknown.
  if (dataKey?.startsWith("! ")) return new Map([[dataKey, parts]]);
  for (const part of parts) {
    const key = part === "data" ? dataKey : ((await keyOf(dataDir, part)) ?? dataKey);
    if (key === null) continue;
    layout.set(key, [...(layout.get(key) ?? []), part]);
  }
  return layout;
}

/** Returns the key of a part; null if the part does not exist. */
async function keyOf(dataDir: string, part: VolumePart): Promise<string | null> {
  try {
    return `${(await stat(pathOf(dataDir, part))).dev}`;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return `! ${messageOf(error)}`;
    const isThere = part !== "data" && (await readdir(dataDir).catch((): string[] => [])).includes(part);
    // It may have been created between the two checks.
    const created = isThere ? await stat(pathOf(dataDir, part)).catch(() => null) : null;
    if (created !== null) return `${created.dev}`;
    return isThere ? `! ${pathOf(dataDir, part)} is a dangling link; is its disk mounted?` : null;
  }
}

async function measure(dataDir: string, key: string, holds: readonly VolumePart[]): Promise<Volume> {
  const name = holds[0] ?? "data";
  const about = { name, path: pathOf(dataDir, name), holds };
  const unmeasured = { freeBytes: 0, totalBytes: 0, freeInodes: null, totalInodes: null };
  if (key.startsWith("! ")) return { ...about, ...unmeasured, problem: key.slice(2) };
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
    return { ...about, ...unmeasured, problem: messageOf(error) };
  }
}

function pathOf(dataDir: string, part: VolumePart): string {
  return part === "data" ? dataDir : join(dataDir, part);
}
