import type { ProvedBooks } from "../../domain/book/book-proof.ts";
import { type BookProver, createBookProver, type Witness } from "../../domain/book/book-prover.ts";
import { readBestPrices, readBookDiff, readBookImage, updateIdIn } from "../../domain/book/book-text.ts";
import { type Day, dayUs } from "../../domain/day.ts";
import { depthSnapshot, typeOfKind } from "../../domain/stream.ts";
import { foldersOf } from "../../domain/stream-kinds.ts";
import { filesOfDay, streamsOfDay } from "../../storage/list/listing.ts";
import { readWhileMoving } from "../../storage/list/moving-files.ts";
import { type LineSource, openLinesSync, UnreadableFile } from "../../storage/read/line-reader-sync.ts";

/** Folder of the stream whose days are proved. */
export const provedFolder = typeOfKind("diffDepth").folder;
const bestPrices = typeOfKind("bookTicker").folder;

/** Folders of the streams that a proof reads. */
export const proofFolders = [
  ...foldersOf((kind) => kind === "partialDepth"),
  depthSnapshot.folder,
  bestPrices,
  provedFolder,
];

/** Diffs between two turns for other work. */
const diffsAtOnce = 2000;

/** How a proof yields to other work, and reports where it is. */
export type ProveOptions = {
  /** Called after every few thousand diffs, with the finished share of the day by time. */
  readonly onTurn: (share: number) => void | Promise<void>;
};

/**
 * Proves the books of a symbol's day: rebuilds the book from REST books and diffs, and compares it with every recorded book as of the same
 * update id. Reads the day's archives and segments in bounded memory. Null if no diffs are recorded.
 */
export async function proveBooks(
  dataDir: string,
  { symbol, date }: Pick<Day, "symbol" | "date">,
  options: ProveOptions,
): Promise<ProvedBooks | null> {
  const list = () => proofFolders.flatMap((stream) => filesOfDay(dataDir, { stream, symbol, date }));
  return await readWhileMoving(list, () => proveOnce(dataDir, { symbol, date }, options));
}

async function proveOnce(
  dataDir: string,
  { symbol, date }: Pick<Day, "symbol" | "date">,
  { onTurn }: ProveOptions,
): Promise<ProvedBooks | null> {
  const open = (stream: string) =>
    openDay(streamsOfDay(dataDir, { stream, symbol, date }).flatMap(({ files }) => files.map(({ path }) => path)));
  const diffs = open(provedFolder);
  const restBooks = open(depthSnapshot.folder);
  const witnesses = [
    ...foldersOf((kind) => kind === "partialDepth").map((stream) => {
      return witnessOf(open(stream), { stream, isRest: false, member: '"lastUpdateId":', read: readBookImage });
    }),
    witnessOf(open(bestPrices), { stream: bestPrices, isRest: false, member: '"u":', read: readBestPrices }),
    witnessOf(open(depthSnapshot.folder), {
      ...{ stream: depthSnapshot.folder, isRest: true, member: '"lastUpdateId":', read: readBookImage },
    }),
  ];
  try {
    const prover = createBookProver(witnesses);
    if (!diffs.next()) return null;
    let [count, hasRest] = [0, restBooks.next()];
    do {
      const { text, from, to } = diffs;
      const recvUs = recvUsIn(text, from);
      for (; hasRest && recvUsIn(restBooks.text, restBooks.from) <= recvUs; hasRest = restBooks.next())
        prover.restBook(() => readBookImage(restBooks.text, restBooks.from, restBooks.to));
      const diff = readBookDiff(text, from, to);
      if (diff !== null) prover.diff(diff);
      if (++count % diffsAtOnce === 0) await onTurn((recvUs % dayUs) / dayUs);
    } while (diffs.next());
    return resultOf(prover, [diffs, restBooks, ...witnesses.map(({ lines }) => lines)]);
  } finally {
    for (const lines of [diffs, restBooks, ...witnesses.map(({ lines }) => lines)]) lines.close();
  }
}

function resultOf(prover: BookProver, read: readonly DayLines[]): ProvedBooks {
  const result = prover.result();
  return read.some(({ isDamaged }) => isDamaged()) ? { ...result, unprovable: "unreadable" } : result;
}

/** The lines of a day's files, one after the other. */
type DayLines = {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** Goes to the next line; false at the end. */
  next(): boolean;
  /** True if a file could not be read to its end; the rest of it is left out. */
  isDamaged(): boolean;
  close(): void;
};

function openDay(paths: readonly string[]): DayLines {
  let source: LineSource | null = null;
  let nextPath = 0;
  let damaged = false;

  const lines = {
    text: "",
    from: 0,
    to: -1,
    next() {
      for (;;) {
        const end = lines.text.indexOf("\n", lines.to + 1);
        if (end >= 0) {
          lines.from = lines.to + 1;
          lines.to = end;
          return true;
        }
        if (!fill()) return false;
      }
    },
    isDamaged: () => damaged,
    close: () => source?.close(),
  };

  /** Reads the next lines of the current or the next file; false at the end of the last. */
  function fill(): boolean {
    [lines.text, lines.to] = ["", -1];
    for (;;) {
      if (source === null) {
        const path = paths[nextPath++];
        if (path === undefined) return false;
        source = openLinesSync(path);
      }
      try {
        if (source.fill()) {
          lines.text = source.bytes.toString("latin1", source.from, source.to);
          source.from = source.to;
          return true;
        }
      } catch (error) {
        // A missing file has moved, and the day is read again.
        if (!(error instanceof UnreadableFile)) throw error;
        damaged = true;
      }
      source.close();
      source = null;
    }
  }

  return lines;
}

function witnessOf(
  lines: DayLines,
  { member, read, ...kind }: Pick<Witness, "stream" | "isRest"> & { member: string; read: typeof readBookImage },
): Witness & { readonly lines: DayLines } {
  let id = Number.NEGATIVE_INFINITY;
  const next = () => {
    id = lines.next() ? (updateIdIn(lines.text, member, lines.from, lines.to) ?? id) : Number.POSITIVE_INFINITY;
  };
  return { ...kind, lines, id: () => id, image: () => read(lines.text, lines.from, lines.to), next };
}

const head = '{"recv_us":';

/** Receipt of a stored line, µs; 0 if it has another form. */
function recvUsIn(text: string, from: number): number {
  let recvUs = 0;
  let at = from + head.length;
  for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48)
    recvUs = recvUs * 10 + digit;
  return recvUs;
}
