/** The outer shape of zstd data, without decompressing it (RFC 8878, section 3.1). */
export type FrameShape = {
  /** Frames begun. */
  readonly frames: number;
  /** Every frame begun is there to its last byte, and nothing follows. */
  readonly complete: boolean;
  /** Every frame carries a checksum of its content. */
  readonly checksum: boolean;
};

/** Follows compressed bytes as they pass; decoders differ in what they make of a truncated frame or a second one, this does not. */
export type FrameWalker = { push(bytes: Uint8Array): void; shape(): FrameShape };

const magic = 0xfd2fb528;
const dictionaryIdBytes = [0, 1, 2, 4];
const contentSizeBytes = [0, 2, 4, 8];

/** A walker at the beginning of a file. */
export function createFrameWalker(): FrameWalker {
  let frames = 0;
  let checksum = true;
  let frameHasChecksum = false;
  let broken = false;
  /** What the next `want` bytes are. */
  let next: "magic" | "descriptor" | "block" = "magic";
  let want = 4;
  let value = 0;
  let got = 0;
  /** Bytes to pass over before the next ones matter. */
  let skip = 0;

  function expect(what: typeof next, bytes: number): void {
    next = what;
    want = bytes;
    value = 0;
    got = 0;
  }

  function take(): void {
    if (next === "magic") {
      if (value !== magic) broken = true;
      frames++;
      expect("descriptor", 1);
    } else if (next === "descriptor") {
      const singleSegment = (value & 0x20) !== 0;
      const sizeFlag = value >> 6;
      frameHasChecksum = (value & 0x04) !== 0;
      checksum &&= frameHasChecksum;
      skip =
        (singleSegment ? 0 : 1) +
        (dictionaryIdBytes[value & 3] ?? 0) +
        (sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] ?? 0));
      expect("block", 3);
    } else {
      const last = (value & 1) !== 0;
      const type = (value >> 1) & 3;
      if (type === 3) broken = true;
      skip = type === 1 ? 1 : value >> 3;
      if (last) skip += frameHasChecksum ? 4 : 0;
      if (last) expect("magic", 4);
      else expect("block", 3);
    }
  }

  return {
    push(bytes) {
      let at = 0;
      while (at < bytes.length && !broken) {
        if (skip > 0) {
          const passed = Math.min(skip, bytes.length - at);
          skip -= passed;
          at += passed;
          continue;
        }
        value += (bytes[at++] ?? 0) * 2 ** (8 * got++);
        if (got === want) take();
      }
    },
    shape: () => ({
      frames,
      complete: frames > 0 && !broken && skip === 0 && next === "magic" && got === 0,
      checksum: frames > 0 && checksum,
    }),
  };
}

/** What is wrong with a file that should be one whole frame, in words, or null. */
export function frameProblem(shape: FrameShape): string | null {
  if (!shape.complete)
    return shape.frames === 0 ? "it is empty" : "it ends before its zstd frame does, or is no zstd at all";
  return shape.frames === 1 ? null : `it holds ${shape.frames} zstd frames instead of one`;
}
