import { dirname, join, resolve } from "node:path";
import { removeIfThere, writeDurably } from "../../../platform/files/durable-files.ts";
import { mkdirSync, readFileSync, rmdirSync } from "../../../platform/files/files.ts";

/** The past that a demo is inventing. It is kept in the data folder until every day is there, so that a later start goes on with it. */
export type UnfinishedPast = {
  /** End of the past, ms: the start of the demo that began it. */
  readonly endMs: number;
  readonly days: number;
  readonly seed: number;
  readonly symbols: readonly string[];
  /** Names of stream types, such as `depth20@100ms`. */
  readonly streams: readonly string[];
};

/** Readers skip the quarantine. */
const pathOf = (dataDir: string) => join(resolve(dataDir), "quarantine", "demo-past.json");

/** Reads the unfinished past of a data folder; null without one, or if its file is not valid. */
export function readUnfinished(dataDir: string): UnfinishedPast | null {
  try {
    const past: unknown = JSON.parse(readFileSync(pathOf(dataDir), "utf8"));
    return isPast(past) ? past : null;
  } catch {
    return null;
  }
}

/** Keeps a past that is begun. */
export function saveUnfinished(dataDir: string, past: UnfinishedPast): void {
  mkdirSync(dirname(pathOf(dataDir)), { recursive: true });
  writeDurably(pathOf(dataDir), `${JSON.stringify(past)}\n`);
}

/** Forgets a past that is complete. */
export function forgetUnfinished(dataDir: string): void {
  removeIfThere(pathOf(dataDir));
  removeIfEmpty(dirname(pathOf(dataDir)));
}

/** Removes a folder if it is empty. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not empty, or not there.
  }
}

function isPast(value: unknown): value is UnfinishedPast {
  if (typeof value !== "object" || value === null) return false;
  const { endMs, days, seed, symbols, streams } = value as Readonly<Record<string, unknown>>;
  const isTexts = (list: unknown) => Array.isArray(list) && list.every((text) => typeof text === "string");
  return [endMs, days, seed].every(Number.isSafeInteger) && isTexts(symbols) && isTexts(streams);
}
