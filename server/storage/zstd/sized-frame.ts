/**
 * A zstd frame whose header names the size of its content, so that readers can unpack it in one go (Python's `zstandard.decompress`). The
 * compressor of a stream does not know the size when it writes the header. So the header is widened, and the size is put in at the end.
 * Source: RFC 8878, section 3.1.1.1.
 *
 * | bytes | compressor's header | widened header |
 * |---|---|---|
 * | magic number | 4 | 4 |
 * | descriptor | 1 | 1, with the flag for a size of 8 bytes |
 * | window | 1 | 1 |
 * | content size | – | 8 |
 *
 * A header of another layout names the size already, and stays: the frame of an empty content.
 */
export type SizedFrame = {
  /** Takes the compressor's output. */
  write(bytes: Uint8Array): void;
  /** Returns the header of a frame with this much content. Its length is that of the header that was passed on. */
  header(contentBytes: number): Uint8Array;
};

const shortBytes = 6;
const descriptorAt = 4;
/** Flags of the descriptor: a size field, a dictionary, or a content that is one segment and has no window. */
const sizeOfEight = 0xc0;
const otherLayout = 0xe3;

/** Creates a frame. `onBytes` gets the widened header, with a size of 0, and then the compressor's output as it is. */
export function createSizedFrame(onBytes: (bytes: Uint8Array) => void): SizedFrame {
  const head = new Uint8Array(shortBytes + 8);
  let held = 0;
  let isWidened = false;
  return {
    write(bytes) {
      if (held === shortBytes) {
        onBytes(bytes);
        return;
      }
      const part = bytes.subarray(0, shortBytes - held);
      head.set(part, held);
      held += part.length;
      if (held < shortBytes) return;
      isWidened = ((head[descriptorAt] ?? 0) & otherLayout) === 0;
      if (isWidened) head[descriptorAt] = (head[descriptorAt] ?? 0) | sizeOfEight;
      onBytes(isWidened ? head.slice() : head.slice(0, shortBytes));
      if (bytes.length > part.length) onBytes(bytes.subarray(part.length));
    },
    header(contentBytes) {
      if (!isWidened) return head.slice(0, shortBytes);
      const header = head.slice();
      new DataView(header.buffer).setBigUint64(shortBytes, BigInt(contentBytes), true);
      return header;
    },
  };
}
