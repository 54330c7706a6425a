/** Outer structure of zstd data, known without decompression. Source: RFC 8878, section 3.1. */
export type FrameShape = {
  /** Number of frames begun. */
  readonly frames: number;
  /** True if the last frame is complete and no bytes follow. */
  readonly complete: boolean;
  /** True if every frame has a content checksum. */
  readonly checksum: boolean;
};

/**
 * Parses the frame structure of compressed bytes as they pass.
 * Decoders treat truncated and additional frames differently; this parser detects both.
 */
export type FrameWalker = { push(bytes: Uint8Array): void; shape(): FrameShape };

const magic = 0xfd2fb528;
const dictionaryIdBytes = [0, 1, 2, 4];
const contentSizeBytes = [0, 2, 4, 8];

/** Creates a walker at the start of a file. */
export function createFrameWalker(): FrameWalker {
  let frames = 0;
  let checksum = true;
  let frameHasChecksum = false;
  let broken = false;
  /** The part to which the next `want` bytes belong. */
  let next: "magic" | "descriptor" | "block" = "magic";
  let want = 4;
  let value = 0;
  let got = 0;
  /** Bytes to skip before the next part. */
  let skip = 0;

  function expect(part: typeof next, bytes: number): void {
    next = part;
    want = bytes;
    value = 0;
    got = 0;
  }

  function onPartComplete(): void {
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
        if (got === want) onPartComplete();
      }
    },
    shape: () => ({
      frames,
      complete: frames > 0 && !broken && skip === 0 && next === "magic" && got === 0,
      checksum: frames > 0 && checksum,
    }),
  };
}

/** Describes the problem of a file that should be exactly one frame, or null. */
export function frameProblem(shape: FrameShape): string | null {
  if (!shape.complete) return shape.frames === 0 ? "it is empty" : "it is truncated, or is not a zstd file";
  return shape.frames === 1 ? null : `it holds ${shape.frames} zstd frames instead of 1`;
}
