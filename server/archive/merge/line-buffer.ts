/** Collects short runs of lines into large runs and keeps the first and last line. */
export type LineBuffer = {
  /** Adds whole lines. Small runs are copied, large runs are passed on at once. */
  add(lines: Buffer): void;
  flush(): void;
  /** The first line passed on, without newline; empty before the first line. */
  firstLine(): string;
  lastLine(): string;
};

const bufferBytes = 256 * 1024;
const newline = 10;

/** Creates a buffer; `onLines` receives the added lines in order and in large pieces. A piece is valid during the call. */
export function createLineBuffer(onLines: (lines: Buffer) => void): LineBuffer {
  const held = Buffer.allocUnsafe(bufferBytes);
  let length = 0;
  let first: string | null = null;
  let last = "";

  function passOn(lines: Buffer): void {
    first ??= lines.toString("utf8", 0, lines.indexOf(newline));
    last = lines.toString("utf8", lines.lastIndexOf(newline, lines.length - 2) + 1, lines.length - 1);
    onLines(lines);
  }

  function flush(): void {
    if (length > 0) passOn(held.subarray(0, length));
    length = 0;
  }

  return {
    add(lines) {
      if (length + lines.length > bufferBytes) flush();
      if (lines.length > bufferBytes / 4) {
        flush();
        passOn(lines);
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
