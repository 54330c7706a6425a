import { createGunzip } from "node:zlib";
import { dayOfPath, dayPath, previousSuffix } from "../../domain/day.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { createReadStream, existsSync, readFileSync, statSync } from "../../platform/files/files.ts";
import { isAsWritten } from "../manifest-mark.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { unpackedZstd } from "../zstd/zstd-pieces.ts";

/**
 * Returns why a file must not be read, or null if its bytes are proven correct.
 * A zstd frame has only one checksum, at its end. A reader would notice a flipped byte only after it had returned wrong lines. This check
 * therefore reads the whole file first:
 *
 * | File | Check |
 * |---|---|
 * | archive with manifest | SHA-256 of the compressed bytes against the manifest, which must be of the day of its folder |
 * | other .zst with checksum | decompresses it, which checks the frame's checksum |
 * | other .zst without | decompresses it; each line must be JSON (segments sealed by 0.1, foreign captures) |
 * | .gz | decompresses it, which checks its checksum |
 * | plain lines | no check is possible: null, and the reader checks each line |
 *
 * Rejects with the system's error if the file is gone, cannot be read, or `stop` fires.
 */
export type SourceCheck = (path: string) => Promise<string | null>;

/** Most results remembered. */
const maxResults = 20_000;

/** Creates a check that reads each file once until the file changes. */
export function createSourceCheck(stop?: AbortSignal): SourceCheck {
  const results = new Map<string, string | null>();

  return async (path) => {
    const packed = /\.(gz|zst)(?:\.previous)?$/.exec(path)?.[1];
    if (packed === undefined) return null;
    const stated = packed === "zst" ? statedSha256(path) : null;
    const key = `${identityOf(path)} ${stated?.sha256}`;
    const cached = results.get(key);
    if (cached !== undefined) return cached;
    const problem = await problemOf(path, packed === "gz", stated, stop);
    if (results.size >= maxResults) results.clear();
    results.set(key, problem);
    return problem;
  };
}

function identityOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

async function problemOf(path: string, isGzip: boolean, stated: Stated | null, stop?: AbortSignal) {
  if (stated === null) return unpackedProblem(path, isGzip, stop);
  if ((await sha256Of(path, stop)) === stated.sha256) return misplacedProblem(path, stated);
  const now = statedSha256(path);
  if (now !== null && now.sha256 !== stated.sha256 && (await sha256Of(path, stop)) === now.sha256) return null;
  // While an archive is being replaced, its manifest still names the previous archive. A damaged manifest is no evidence.
  const isBetween = existsSync(withoutPrevious(path) + previousSuffix);
  if (isBetween || !stated.isVouched) return unpackedProblem(path, isGzip, stop);
  return "its SHA-256 differs from its manifest, so all its lines are withheld. Run `rt-data verify`; `zstd -dc` unpacks the readable part";
}

type Stated = {
  readonly sha256: string;
  /** True if the manifest has its own checksum and matches it. */
  readonly isVouched: boolean;
  /** The folders of the day that it names; null if it names no day. */
  readonly folders: string | null;
};

/** Detects an intact archive in the folder of another day: its rows would be returned as rows of that day. */
function misplacedProblem(path: string, { folders }: Stated): string | null {
  const day = dayOfPath(path);
  if (day === null || folders === null || folders === dayPath(day)) return null;
  return `it belongs to ${folders} but is in the folder of another day, so all its lines are withheld`;
}

/** Reads the manifest next to an archive; null if it is absent or unreadable. */
function statedSha256(path: string): Stated | null {
  const archive = withoutPrevious(path);
  const manifest = `${archive.slice(0, -".jsonl.zst".length)}.manifest.json`;
  if (!archive.endsWith(".jsonl.zst") || !existsSync(manifest)) return null;
  try {
    const text = readFileSync(manifest, "utf8");
    const { compressed_sha256: sha256, stream, symbol, date } = JSON.parse(text) as Record<string, unknown>;
    const isNamed = typeof stream === "string" && typeof symbol === "string" && typeof date === "string";
    const folders = isNamed ? dayPath({ stream, symbol, date }) : null;
    return typeof sha256 === "string" ? { sha256, isVouched: isAsWritten(text), folders } : null;
  } catch {
    return null;
  }
}

function withoutPrevious(path: string): string {
  return path.endsWith(previousSuffix) ? path.slice(0, -previousSuffix.length) : path;
}

async function sha256Of(path: string, stop?: AbortSignal): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of bytesOf(path, stop)) hash.update(chunk);
  return hash.digest("hex");
}

/** Decompresses the whole file and returns its problem, or null. */
async function unpackedProblem(path: string, isGzip: boolean, stop?: AbortSignal): Promise<string | null> {
  const file = bytesOf(path, stop);
  const walker = createFrameWalker();
  const gunzip = isGzip ? createGunzip({ chunkSize }) : null;
  async function* watched() {
    for await (const bytes of file as AsyncIterable<Buffer>) {
      walker.push(bytes);
      yield bytes;
    }
  }
  file.on("error", (error) => gunzip?.destroy(error));
  const unpacked: AsyncIterable<Buffer> = gunzip === null ? unpackedZstd(watched()) : file.pipe(gunzip);
  const lines = createJsonCheck();
  let isJson = true;
  try {
    for await (const chunk of unpacked) {
      if (!isGzip && isJson && !walker.shape().checksum) isJson = lines.accepts(chunk);
    }
  } catch (error) {
    // A system error may be temporary, and whoever opens the file reports it. Any other error means damage.
    if (stop?.aborted || /^E[A-Z]+$/.test(codeOf(error) ?? "")) throw error;
    return messageOf(error);
  } finally {
    file.destroy();
    gunzip?.destroy();
  }
  const problem = isGzip ? null : frameProblem(walker.shape());
  if (problem !== null) return problem;
  return isJson ? null : "it has no checksum and a line that is not JSON, so all its lines are withheld";
}

const chunkSize = 256 * 1024;

function bytesOf(path: string, stop?: AbortSignal) {
  return createReadStream(path, { highWaterMark: chunkSize, ...(stop === undefined ? {} : { signal: stop }) });
}

/** Longest line that is checked. Longer lines are left to the reader. */
const longestLine = 32 * 1024 * 1024;
const newline = 10;

/** Checks the lines of a file as its pieces pass. Ignores a torn last line. */
function createJsonCheck() {
  let rest: Buffer[] = [];
  let restBytes = 0;
  return {
    accepts(chunk: Buffer): boolean {
      const end = chunk.lastIndexOf(newline) + 1;
      const whole = end === 0 ? "" : Buffer.concat([...rest, chunk.subarray(0, end)]).toString("latin1");
      if (end > 0) rest = [];
      if (end > 0) restBytes = 0;
      rest.push(Buffer.from(chunk.subarray(end)));
      restBytes += chunk.length - end;
      return restBytes <= longestLine && whole.split("\n").every((line) => line === "" || isJsonObject(line));
    },
  };
}

/** Tests whether a text is a JSON object. */
export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
