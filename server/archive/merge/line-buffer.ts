/** Gathers short runs of lines into large ones and remembers the first and the last line. */
export type LineBuffer = {
  /** Whole lines; copied if they are few. */
  add(lines: Buffer): void;
  flush(): void;
  /** Without newline; empty while there has been none. */
  firstLine(): string;
  lastLine(): string;
};

const stageBytes = 256 * 1024;
const newline = 10;

/** `onLines` gets what was added, in order, in pieces that are worth a call each; valid during the call. */
export function createLineBuffer(onLines: (lines: Buffer) => void): LineBuffer {
  const held = Buffer.allocUnsafe(stageBytes);
  let length = 0;
  let first: string | null = null;
  let last = "";

  function pass(lines: Buffer): void {
    first ??= lines.toString("utf8", 0, lines.indexOf(newline));
    last = lines.toString("utf8", lines.lastIndexOf(newline, lines.length - 2) + 1, lines.length - 1);
    onLines(lines);
  }

  function flush(): void {
    if (length > 0) pass(held.subarray(0, length));
    length = 0;
  }

  return {
    add(lines) {
      if (length + lines.length > stageBytes) flush();
      if (lines.length > stageBytes / 4) {
        flush();
        pass(lines);
      } else {
        held.set(lines, length);
        length += lines.length;
      }
    },
    flush,
    firstLine: () => first ?? "",
    lastLine: () => last,
  };
}
