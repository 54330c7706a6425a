import type { RecordedStream } from "../../storage/list/listing.ts";
import type { LineStream, Received } from "../../storage/read/stream-reader.ts";

/** Collects lines for a large write; adjacent lines are copied in one piece. Text has one character per byte. */
export type LineGatherer = {
  add(line: CatLine): void;
  addText(text: string): void;
  /** Returns the number of collected characters. */
  size(): number;
  /** Returns the collected text and clears it. */
  take(): Buffer;
};

/** Creates an empty collector. */
export function createLineGatherer(): LineGatherer {
  let text = "";
  let source = "";
  let from = 0;
  let to = 0;

  function endRun(): void {
    if (to > from) text += source.slice(from, to);
    from = to = 0;
  }

  return {
    add(line) {
      if (line.prefix === "" && line.from === to && line.source === source && to > from) {
        to = line.to + 1;
        return;
      }
      endRun();
      text += line.prefix;
      source = line.source;
      from = line.prefix === "" ? line.from : line.from + 1;
      to = line.to + 1;
    },
    addText(more) {
      endRun();
      text += more;
    },
    size: () => text.length + to - from,
    take() {
      endRun();
      const bytes = Buffer.from(text, "latin1");
      text = "";
      source = "";
      return bytes;
    },
  };
}

/** A stored line by its place: `source` from `from` to its newline at `to`, one character per byte. */
export type CatLine = Received & {
  readonly source: string;
  readonly from: number;
  readonly to: number;
  /** Text that replaces the line's opening brace; empty for a line as stored. */
  readonly prefix: string;
};

const headStart = '{"recv_us":';

/** Returns the lines of a stream without parsing them. */
export function catStream({ files, stream }: RecordedStream, withSymbol: boolean): LineStream<CatLine> {
  const names = `{"stream":${JSON.stringify(stream.type.folder)},"symbol":${JSON.stringify(stream.symbol)},`;
  const prefix = withSymbol ? Buffer.from(names).toString("latin1") : "";
  return {
    files,
    encoding: "latin1",
    createParser: () => (source, from, to) => {
      const recvUs = recvUsOf(source, from);
      if (recvUs < 0 || source.charCodeAt(to - 1) !== 125) return "damaged";
      return { recvUs, source, from, to, prefix };
    },
  };
}

function recvUsOf(text: string, from: number): number {
  if (!text.startsWith(headStart, from)) return -1;
  let at = from + headStart.length;
  let recvUs = 0;
  for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48) {
    recvUs = recvUs * 10 + digit;
  }
  return at === from + headStart.length || text.charCodeAt(at) !== 44 ? -1 : recvUs;
}
