import { basename } from "node:path";
import { type Day, dayPath } from "../../domain/day.ts";
import type { ArchiveSummary, History, Page } from "../../domain/queries.ts";
import { stat } from "../../platform/files/files-async.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import { errorBody, respond } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";

const block = 512;
const pageSize = 500;

/** A file of the download: its path in the tar, and its size when the download began. */
type Entry = { readonly path: string; readonly name: string; readonly bytes: number; readonly modifiedS: number };

/**
 * Answers with all archives and manifests of a UTC day as one tar file, in the folders of the data folder. It is written
 * while it is read, so it needs no space. If a file changes meanwhile, the download breaks off instead of being wrong.
 */
export async function sendDay(date: string, history: History): Promise<Response> {
  const entries = await entriesOf(date, history);
  if (entries.length === 0) return respond(404, errorBody("no_archive", "There is no archive of this date."));
  const headers = {
    ...securityHeaders,
    "cache-control": "no-store",
    "content-type": "application/x-tar",
    "content-disposition": `attachment; filename="rt-data-${date}.tar"`,
  };
  return new Response(tarOf(entries), { headers });
}

async function entriesOf(date: string, history: History): Promise<Entry[]> {
  const entries: Entry[] = [];
  let after: string | null = null;
  do {
    const page: Page<ArchiveSummary> = history.archives({ stream: null, symbol: null, date }, pageSize, after);
    for (const day of page.items) entries.push(...(await filesOf(day, history)));
    after = page.next;
    await nextTurn();
  } while (after !== null);
  return entries;
}

async function filesOf(day: Day, history: History): Promise<Entry[]> {
  const { archive, manifest } = history.files(day);
  const entries: Entry[] = [];
  for (const path of [archive, manifest]) {
    const info = await stat(path).catch(() => null);
    if (info === null) return [];
    const name = `${dayPath(day)}/${basename(path)}`;
    entries.push({ path, name, bytes: info.size, modifiedS: Math.floor(info.mtimeMs / 1000) });
  }
  return entries;
}

function tarOf(entries: readonly Entry[]): ReadableStream<Uint8Array> {
  const pieces = piecesOf(entries);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return();
    },
  });
}

async function* piecesOf(entries: readonly Entry[]): AsyncGenerator<Uint8Array, void> {
  for (const entry of entries) {
    yield headerOf(entry);
    let sent = 0;
    for await (const piece of Bun.file(entry.path).stream()) {
      sent += piece.length;
      if (sent > entry.bytes) break;
      yield piece;
    }
    if (sent !== entry.bytes) throw new Error(`${entry.path} was replaced during a download; ask for the day again`);
    if (sent % block > 0) yield new Uint8Array(block - (sent % block));
  }
  yield new Uint8Array(2 * block);
}

/** Makes the header of a file in the ustar format. A name of more than 100 bytes is split at a slash. */
function headerOf({ name, bytes, modifiedS }: Entry): Uint8Array {
  const header = Buffer.alloc(block);
  const at = name.length <= 100 ? -1 : name.indexOf("/", name.length - 101);
  header.write(name.slice(at + 1), 0, 100);
  header.write("0000644\0" + "0000000\0" + "0000000\0", 100);
  header.write(sizeOf(bytes), 124);
  if (bytes >= 8 ** 11) {
    // More than eleven octal digits: a binary number, marked by its highest bit.
    header.fill(0, 124, 136).writeBigUInt64BE(BigInt(bytes), 128);
    header[124] = 0x80;
  }
  header.write(`${modifiedS.toString(8).padStart(11, "0")}\0`, 136);
  header.write("        0", 148);
  header.write("ustar\0" + "00", 257);
  if (at > 0) header.write(name.slice(0, at), 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function sizeOf(bytes: number): string {
  return `${bytes.toString(8).padStart(11, "0").slice(-11)}\0`;
}
