import type { CatLine } from "./cat-lines.ts";

/** Gathers lines for one large write; lines that lie one behind the other are taken in one piece. Text is one character a byte. */
export type LineGatherer = {
  add(line: CatLine): void;
  addText(text: string): void;
  /** Characters gathered. */
  size(): number;
  /** What was gathered, which is then forgotten. */
  take(): Buffer;
};

/** A gatherer of nothing yet. */
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
