import type { Stream } from "../../domain/stream.ts";
import type { LastRecord } from "../../journal/entry.ts";
import type { Journal } from "../../journal/journal.ts";

/** Saves the newest record of each stream in the journal, all changed streams in a single line. */
export type NewestRecords = {
  /** Call it for each message that is passed to the disk. */
  observe(stream: Stream, recvUs: number, id: number): void;
  /** Call it every few seconds while the disk works. Saves the records observed before the previous call: they are on disk by now. */
  save(): void;
  /** Saves all newest records. Call it when everything is on disk. */
  saveAll(): void;
  /** Saves and drops a stream that is no longer recorded. */
  release(stream: Stream): void;
};

/** `before…`: the newest record at the previous call of `save`. `savedUs`: receipt of the saved record, µs. */
type Position = { recvUs: number; id: number; beforeUs: number; beforeId: number; savedUs: number };

/** Creates the collection without any stream. */
export function createNewestRecords({ journal }: { journal: Pick<Journal, "saveLastRecords"> }): NewestRecords {
  const positions = new Map<Stream, Position>();

  function recordOf({ type, symbol }: Stream, us: number, id: number): LastRecord {
    return [type.folder, symbol, us, Number.isSafeInteger(id) && id >= 0 ? id : null];
  }

  return {
    observe(stream, recvUs, id) {
      const position = positions.get(stream);
      if (position === undefined) positions.set(stream, { recvUs, id, beforeUs: 0, beforeId: 0, savedUs: 0 });
      else {
        position.recvUs = recvUs;
        position.id = id;
      }
    },
    save() {
      const records: LastRecord[] = [];
      for (const [stream, position] of positions) {
        if (position.beforeUs > position.savedUs) records.push(recordOf(stream, position.beforeUs, position.beforeId));
        position.savedUs = position.beforeUs;
        position.beforeUs = position.recvUs;
        position.beforeId = position.id;
      }
      journal.saveLastRecords(records);
    },
    saveAll() {
      const records: LastRecord[] = [];
      for (const [stream, position] of positions)
        if (position.recvUs > position.savedUs) records.push(recordOf(stream, position.recvUs, position.id));
      journal.saveLastRecords(records);
    },
    release(stream) {
      const position = positions.get(stream);
      if (position !== undefined) journal.saveLastRecords([recordOf(stream, position.recvUs, position.id)]);
      positions.delete(stream);
    },
  };
}
