import type { RecordedTrack } from "../recorded-track.ts";
import type { LineTrack, Received } from "../track-head.ts";

/** A stored line where it stands: `source` from `from` to its newline at `to`, one character a byte. */
export type CatLine = Received & {
  readonly source: string;
  readonly from: number;
  readonly to: number;
  /** What is printed in place of the line's opening brace; empty for a line as stored. */
  readonly prefix: string;
};

const headStart = '{"recv_us":';

/** The lines of a track without taking them apart. */
export function catTrack({ files, stream }: RecordedTrack, withSymbol: boolean): LineTrack<CatLine> {
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
