import { join } from "node:path";
import { removeIfThere } from "../../platform/files/durable-files.ts";
import { createDraftFile, type DraftFile } from "../draft-file.ts";
import type { BookSides } from "../market/followed-book.ts";
import { createLatencySamples, startingBook } from "./backtest-events.ts";
import type { EventMessage, Validity } from "./event-order.ts";
import { createEventRows, eventFields, exchangeFlag, localFlag, setNanoseconds } from "./event-rows.ts";
import { createNpzFile, type NpyField, type NpzFile } from "./npz-file.ts";

/** The files of a symbol's day, all named like `btcusdt_20261121`. */
export type BacktestFiles = {
  /** Writes the events of a message. */
  add(message: EventMessage, valid: Validity): void;
  rows(): number;
  /**
   * Completes all files and makes them visible, the events last. `end`: the book at the end of the day, or null. `facts`: members of the
   * JSON file. Resolves with the size of all files in bytes.
   */
  finish(end: BookSides | null, facts: Readonly<Record<string, unknown>>): Promise<number>;
  discard(): void;
};

/** The fields of hftbacktest's order latencies. Times: ns since the Unix epoch. */
export const latencyFields: readonly NpyField[] = [
  ["req_ts", "<i8"],
  ["exch_ts", "<i8"],
  ["resp_ts", "<i8"],
  ["_padding", "<i8"],
];

/** Returns the name of a day's files without their endings: `btcusdt_20261121`. */
export function backtestName(symbol: string, date: string): string {
  return `${symbol.toLowerCase()}_${date.replaceAll("-", "")}`;
}

/** Creates the files of a day in a folder. */
export function createBacktestFiles(folder: string, name: string): BacktestFiles {
  const path = (ending: string) => join(folder, `${name}${ending}`);
  const opened: { discard(): void }[] = [];
  const samples = createLatencySamples();
  const events = open(".npz", eventFields);
  const rows = createEventRows(events.write);

  function open(ending: string, fields: readonly NpyField[]): NpzFile {
    const file = createNpzFile(createDraftFile(path(ending)), fields);
    opened.push(file);
    return file;
  }

  function endOfDay(end: BookSides): NpzFile {
    const file = open("_eod.npz", eventFields);
    const levels = createEventRows(file.write);
    const values = startingBook(end);
    for (let at = 0; at < values.length; at += 3)
      levels.add((values[at] ?? 0) + exchangeFlag + localFlag, 0, 0, values[at + 1] ?? 0, values[at + 2] ?? 0);
    levels.flush();
    return file;
  }

  function latencies(): NpzFile {
    const file = open("_latency.npz", latencyFields);
    const words = new Uint32Array(2 * latencyFields.length);
    for (const { localUs, latencyUs } of samples.samples()) {
      // An order is assumed to take as long as the data: to the exchange, and back.
      for (let n = 0; n < 3; n++) setNanoseconds(words, 2 * n, localUs + n * latencyUs);
      file.write(new Uint8Array(words.buffer));
    }
    return file;
  }

  return {
    add(message, valid) {
      const { exchUs, localUs, events } = message;
      const flags = (valid === "local" ? 0 : exchangeFlag) + (valid === "exchange" ? 0 : localFlag);
      if (valid !== "exchange") samples.add(message);
      for (let at = 0; at < events.length; at += 3)
        rows.add((events[at] as number) + flags, exchUs, localUs, events[at + 1] as number, events[at + 2] as number);
    },
    rows: rows.rows,
    async finish(end, facts) {
      rows.flush();
      const eod = end === null ? null : endOfDay(end);
      const delays = samples.samples().length === 0 ? null : latencies();
      const sidecar: DraftFile = createDraftFile(path(".json"));
      opened.push(sidecar);
      const files = {
        file: `${name}.npz`,
        end_of_day: eod === null ? null : `${name}_eod.npz`,
        order_latency: delays === null ? null : `${name}_latency.npz`,
      };
      sidecar.write(Buffer.from(`${JSON.stringify({ format: "hftbacktest", ...files, ...facts }, null, 2)}\n`));
      const complete = [eod, delays, events].filter((file) => file !== null);
      const bytes = complete.reduce((sum, file) => sum + file.finish(), sidecar.bytes());
      // A file of an earlier export would be taken for part of this export.
      if (eod === null) removeIfThere(path("_eod.npz"));
      if (delays === null) removeIfThere(path("_latency.npz"));
      await sidecar.commit();
      for (const file of complete) await file.commit();
      return bytes;
    },
    discard() {
      for (const file of opened) file.discard();
    },
  };
}
