import { streamKinds } from "../../domain/stream-kinds.ts";
import { createMergedReader } from "../../storage/read/merged-reader.ts";
import type { RecordingFiles } from "./recording-files.ts";

/** Entries of `exchangeInfo` by symbol, as recorded. */
export type RecordedFacts = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Tests whether files hold facts about a symbol. They answer REST requests and are never played. */
export function areFacts({ stream }: RecordingFiles): boolean {
  return stream !== null && streamKinds[stream.type.kind].isFacts;
}

/** Reads the first facts of each symbol. Damaged facts are left out. */
export async function readFacts(tracks: readonly RecordingFiles[]): Promise<RecordedFacts> {
  const facts = new Map<string, Record<string, unknown>>();
  for (const track of tracks) {
    const symbol = track.stream?.symbol;
    const payload = await firstPayload(track);
    const entry: unknown = payload === null ? null : JSON.parse(payload);
    if (symbol !== undefined && typeof entry === "object" && entry !== null) facts.set(symbol, { ...entry });
  }
  return facts;
}

async function firstPayload(track: RecordingFiles): Promise<string | null> {
  const reader = createMergedReader([track], { onDamage() {} });
  try {
    for (;;) {
      const message = reader.peek();
      if (message !== undefined && isJson(message.payload)) return message.payload;
      if (message !== undefined) reader.skip();
      else if (!(await reader.fill())) return null;
    }
  } finally {
    reader.close();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
