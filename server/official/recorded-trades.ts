/** The trades of a day as recorded, by id. Holds a fingerprint of 8 bytes for each: five million trades take some 55 MB. */
export type RecordedTrades = {
  /** Adds a trade. `isOfDay`: its time lies in the day that is checked. */
  add(id: number, text: string, times: { timeUs: number; isInUs: boolean }, isOfDay: boolean): void;
  /** Compares a trade with the recorded trade of the same id, and remembers that it was asked for. */
  compare(id: number, text: string, times: { timeUs: number; isInUs: boolean }): "absent" | "equal" | "differs";
  /** Lowest and highest id; null without trades. */
  range(): { readonly first: number; readonly last: number } | null;
  /** The ids of trades of the day that were never asked for, in order. */
  unasked(): readonly number[];
};

type Chunk = {
  readonly texts: Int32Array;
  readonly times: Int32Array;
  /** Microseconds of the time, 0 to 999; `unknownUs` if the time was in ms. */
  readonly micros: Uint16Array;
  readonly state: Uint8Array;
};

/** Ids of a chunk. Ids of a day follow each other, so few chunks are needed. */
const chunkIds = 1 << 16;
const unknownUs = 0xffff;
const [isRecorded, isOfTheDay, isAsked] = [1, 2, 4];

/** Most chunks: 500 million ids. A glitch of the exchange's ids may spread them. */
const mostChunks = 8192;

/** Creates an empty set. */
export function createRecordedTrades(): RecordedTrades {
  const chunks = new Map<number, Chunk>();
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  function chunkFor(id: number): Chunk {
    const key = Math.floor(id / chunkIds);
    const known = chunks.get(key);
    if (known !== undefined) return known;
    if (chunks.size === mostChunks) throw new Error("the recorded ids are spread too wide to be compared");
    const chunk = {
      texts: new Int32Array(chunkIds),
      times: new Int32Array(chunkIds),
      micros: new Uint16Array(chunkIds),
      state: new Uint8Array(chunkIds),
    };
    chunks.set(key, chunk);
    return chunk;
  }

  return {
    add(id, text, { timeUs, isInUs }, isOfDay) {
      const [chunk, at] = [chunkFor(id), id % chunkIds];
      chunk.texts[at] = Bun.hash.xxHash32(text) | 0;
      chunk.times[at] = fingerprint(text, timeUs);
      chunk.micros[at] = isInUs ? timeUs % 1000 : unknownUs;
      chunk.state[at] = isRecorded | (isOfDay ? isOfTheDay : 0);
      first = Math.min(first, id);
      last = Math.max(last, id);
    },
    compare(id, text, { timeUs, isInUs }) {
      const [chunk, at] = [chunks.get(Math.floor(id / chunkIds)), id % chunkIds];
      const state = chunk?.state[at] ?? 0;
      if (chunk === undefined || state === 0) return "absent";
      chunk.state[at] = state | isAsked;
      const micros = chunk.micros[at] ?? unknownUs;
      const isEqual =
        chunk.texts[at] === (Bun.hash.xxHash32(text) | 0) &&
        chunk.times[at] === fingerprint(text, timeUs) &&
        (!isInUs || micros === unknownUs || micros === timeUs % 1000);
      return isEqual ? "equal" : "differs";
    },
    range: () => (last < first ? null : { first, last }),
    unasked: () =>
      [...chunks]
        .sort(([a], [b]) => a - b)
        .flatMap(([key, { state }]) =>
          [...state.keys()]
            .filter((at) => ((state[at] ?? 0) & (isOfTheDay | isAsked)) === isOfTheDay)
            .map((at) => key * chunkIds + at),
        ),
  };
}

/** A second fingerprint of the values, with the time in ms, which both sides know. */
function fingerprint(text: string, timeUs: number): number {
  return Bun.hash.crc32(`${text},${Math.floor(timeUs / 1000)}`) | 0;
}
