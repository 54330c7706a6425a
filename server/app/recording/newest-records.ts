import type { Stream } from "../../domain/stream.ts";
import type { LastRecord } from "../../journal/entry.ts";
import type { Journal } from "../../journal/journal.ts";

/** The newest record of each stream, written to the journal now and then: all streams in one line, and only those that have changed. */
export type NewestRecords = {
  /** A record was handed to the disk. Called for each message. */
  observe(stream: Stream, recvUs: number, id: number): void;
  /** Call it every few seconds while the disk works. Writes what was observed before the call before it, which is on disk by now. */
  note(): void;
  /** Everything is on disk. */
  noteAll(): void;
  /** The stream is recorded no more. */
  release(stream: Stream): void;
};

type Place = { recvUs: number; id: number; beforeUs: number; beforeId: number; notedUs: number };

/** Nothing is known of any stream at first. */
export function createNewestRecords({ journal }: { journal: Pick<Journal, "saveLastRecords"> }): NewestRecords {
  const places = new Map<Stream, Place>();

  function recordOf({ type, symbol }: Stream, us: number, id: number): LastRecord {
    return [type.folder, symbol, us, Number.isSafeInteger(id) && id >= 0 ? id : null];
  }

  return {
    observe(stream, recvUs, id) {
      const place = places.get(stream);
      if (place === undefined) places.set(stream, { recvUs, id, beforeUs: 0, beforeId: 0, notedUs: 0 });
      else {
        place.recvUs = recvUs;
        place.id = id;
      }
    },
    note() {
      const records: LastRecord[] = [];
      for (const [stream, place] of places) {
        if (place.beforeUs > place.notedUs) records.push(recordOf(stream, place.beforeUs, place.beforeId));
        place.notedUs = place.beforeUs;
        place.beforeUs = place.recvUs;
        place.beforeId = place.id;
      }
      journal.saveLastRecords(records);
    },
    noteAll() {
      const records: LastRecord[] = [];
      for (const [stream, place] of places)
        if (place.recvUs > place.notedUs) records.push(recordOf(stream, place.recvUs, place.id));
      journal.saveLastRecords(records);
    },
    release(stream) {
      const place = places.get(stream);
      if (place !== undefined) journal.saveLastRecords([recordOf(stream, place.recvUs, place.id)]);
      places.delete(stream);
    },
  };
}
