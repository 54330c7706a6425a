/** Digest of a run: its steps, their order and their times. */
export type Digest = {
  addStep(operation: string, path: string, atMs: number): void;
  addText(text: string): void;
  addFile(path: string, content: Uint8Array): void;
  /** 16 hexadecimal digits. */
  value(): string;
};

/** Texts are met again and again. */
const known = new Map<string, number>();

/** Creates the digest of a new run. */
export function createDigest(): Digest {
  let [low, high] = [0, 0x9e3779b9];

  function add(value: number): void {
    low = Math.imul(low ^ value, 0x01000193);
    high = Math.imul((high << 13) | (high >>> 19), 0x85ebca6b) ^ low;
  }

  return {
    addStep(operation, path, atMs) {
      add(hashOf(operation));
      add(hashOf(path));
      // To a nanosecond.
      add(atMs | 0);
      add(((atMs % 1) * 1e6) | 0);
    },
    addText: (text) => add(Bun.hash.crc32(text)),
    addFile(path, content) {
      add(hashOf(path));
      add(Bun.hash.crc32(content));
    },
    value: () => [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join(""),
  };
}

function hashOf(text: string): number {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size > 20_000) known.clear();
  const hash = Bun.hash.crc32(text);
  known.set(text, hash);
  return hash;
}
