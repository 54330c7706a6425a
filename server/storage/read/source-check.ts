import { createGunzip } from "node:zlib";
import { dayOfPath, dayPath, previousSuffix } from "../../domain/day.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { createReadStream, existsSync, readFileSync, statSync } from "../../platform/files/files.ts";
import { isAsWritten } from "../manifest-mark.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { unpackedZstd } from "../zstd/zstd-pieces.ts";

/**
 * Tells why no line of a file may be given out, or null if its bytes are proved. A zstd frame has a single checksum, at its end, so
 * that its reader learns of a flipped byte only after the wrong lines have gone out. This reads the file once before:
 *
 *   archive with manifest        SHA-256 of the compressed bytes, against the manifest; it must be of the day whose folder it lies in
 *   other .zst, with checksum    decompressed; the frame's own checksum
 *   other .zst, without          decompressed; each line must be JSON (segments that 0.1 sealed, captures of others)
 *   .gz                          decompressed; its own checksum
 *   plain lines                  nothing vouches for them: null, and the reader judges line by line
 *
 * Rejects with the system's error if the file is gone, cannot be read, or `stop` fires.
 */
export type SourceCheck = (path: string) => Promise<string | null>;

/** More files than this are not remembered. */
const mostRemembered = 20_000;

/** A check that reads each file once, however often it is asked, until the file changes. */
export function createSourceCheck(stop?: AbortSignal): SourceCheck {
  const known = new Map<string, string | null>();

  return async (path) => {
    const packed = /\.(gz|zst)(?:\.previous)?$/.exec(path)?.[1];
    if (packed === undefined) return null;
    const stated = packed === "zst" ? statedSha256(path) : null;
    const key = `${identityOf(path)} ${stated?.sha256}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const problem = await problemOf(path, packed === "gz", stated, stop);
    if (known.size >= mostRemembered) known.clear();
    known.set(key, problem);
    return problem;
  };
}

function identityOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

async function problemOf(path: string, isGzip: boolean, stated: Stated | null, stop?: AbortSignal) {
  if (stated === null) return unpackedProblem(path, isGzip, stop);
  if ((await sha256Of(path, stop)) === stated.sha256) return strangerProblem(path, stated);
  const now = statedSha256(path);
  if (now !== null && now.sha256 !== stated.sha256 && (await sha256Of(path, stop)) === now.sha256) return null;
  // While an archive is being replaced, its manifest still names the one before; and a damaged manifest names nothing.
  const isBetween = existsSync(withoutPrevious(path) + previousSuffix);
  if (isBetween || !stated.isVouched) return unpackedProblem(path, isGzip, stop);
  return "its SHA-256 is not the one in its manifest, so none of its lines is given out. Run `rt-data verify`; `zstd -dc` shows what can still be unpacked";
}

type Stated = {
  readonly sha256: string;
  /** The manifest carries a checksum of its own, which fits. */
  readonly isVouched: boolean;
  /** What it is of, as the folders of a day are named; null if it does not say. */
  readonly folders: string | null;
};

/** A whole archive that lies, with its manifest, in the folder of another day: its rows would be given out as that day's. */
function strangerProblem(path: string, { folders }: Stated): string | null {
  const day = dayOfPath(path);
  if (day === null || folders === null || folders === dayPath(day)) return null;
  return `it is of ${folders} and lies in the folder of another day, so none of its lines is given out`;
}

/** What the manifest beside an archive says; null if there is none, or none that can be read. */
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

/** Decompresses all of a file. */
async function unpackedProblem(path: string, isGzip: boolean, stop?: AbortSignal): Promise<string | null> {
  const file = bytesOf(path, stop);
  const walker = createFrameWalker();
  const gunzip = isGzip ? createGunzip({ chunkSize }) : null;
  async function* seen() {
    for await (const bytes of file as AsyncIterable<Buffer>) {
      walker.push(bytes);
      yield bytes;
    }
  }
  file.on("error", (error) => gunzip?.destroy(error));
  const unpacked: AsyncIterable<Buffer> = gunzip === null ? unpackedZstd(seen()) : file.pipe(gunzip);
  const lines = createJsonJudge();
  let isJson = true;
  try {
    for await (const chunk of unpacked) {
      if (!isGzip && isJson && !walker.shape().checksum) isJson = lines.accepts(chunk);
    }
  } catch (error) {
    // What the system says may pass, or be said of the file by who opens it; the rest is damage.
    if (stop?.aborted || /^E[A-Z]+$/.test(codeOf(error) ?? "")) throw error;
    return messageOf(error);
  } finally {
    file.destroy();
    gunzip?.destroy();
  }
  const problem = isGzip ? null : frameProblem(walker.shape());
  if (problem !== null) return problem;
  return isJson ? null : "it has no checksum and a line that is no JSON, so none of its lines is given out";
}

const chunkSize = 256 * 1024;

function bytesOf(path: string, stop?: AbortSignal) {
  return createReadStream(path, { highWaterMark: chunkSize, ...(stop === undefined ? {} : { signal: stop }) });
}

/** A longer line is left to whoever reads the file. */
const longestLine = 32 * 1024 * 1024;
const newline = 10;

/** Judges the lines of a file as its pieces pass. A torn last line is none. */
function createJsonJudge() {
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

/** True for the text of a JSON object. */
export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
