import { createZstdDecompress } from "node:zlib";
import { nextTurn } from "../../platform/time/timers.ts";
import { borrowPiece, pieceBytes, returnPiece } from "./piece-buffers.ts";

/** Decompresses zstd piece by piece, so that memory is bounded, even if a small input decompresses to a large output. */
export type ZstdPieces = {
  /**
   * Decompresses the input. A piece is valid until the next piece is requested.
   * @throws on corrupt data and wrong checksums, but not on truncated data.
   */
  unpack(input: Uint8Array): Generator<Uint8Array, void>;
  close(): void;
};

/** A zlib stream of Node, driven in the calling thread instead of the thread pool shared with file operations. */
export type ZstdDriver = {
  /** Processes the input and yields the output piece by piece. A piece is valid until the next. @throws on corrupt data */
  step(input: Uint8Array, flush: number): Generator<Uint8Array, void>;
  /** Frees the native memory. Idempotent. */
  close(): void;
};

/** The part of node:zlib's binding on which its own synchronous functions are built. */
type Handle = {
  onerror: (message: string, errno: number, code: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
};

/** Drives a stream of node:zlib. The stream must not be used in any other way. */
export function driveZstd(stream: { close(): void }): ZstdDriver {
  const { _handle: handle, _writeState: writeState } = stream as unknown as {
    _handle: Handle;
    _writeState: Uint32Array;
  };
  if (typeof handle?.writeSync !== "function" || writeState?.length !== 2) {
    throw new Error("this runtime's node:zlib has no synchronous streams; run RT-Data with the pinned Bun version");
  }
  const output = borrowPiece();
  let failure: string | null = null;
  let closed = false;
  handle.onerror = (message, _errno, code) => {
    failure = `${message} (${code})`;
  };

  return {
    *step(input, flush) {
      let offset = 0;
      for (;;) {
        const before = input.length - offset;
        handle.writeSync(flush, input, offset, before, output, 0, pieceBytes);
        if (failure !== null) throw new Error(failure);
        const [outputLeft = 0, inputLeft = 0] = writeState;
        offset += before - inputLeft;
        if (outputLeft < pieceBytes) yield output.subarray(0, pieceBytes - outputLeft);
        if (outputLeft > 0 && inputLeft === 0) return;
      }
    },
    close() {
      if (closed) return;
      closed = true;
      stream.close();
      returnPiece(output);
    },
  };
}

/** Creates a decompressor for the calling thread. Each piece takes well under a millisecond. */
export function createZstdPieces(): ZstdPieces {
  const { step, close } = driveZstd(createZstdDecompress());
  return { unpack: (input) => step(input, 0), close };
}

/** Decompresses a stream of input. The caller may keep the pieces. Yields to other work in this thread between pieces. */
export async function* unpackedZstd(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  const unpacker = createZstdPieces();
  try {
    for await (const chunk of input) {
      for (const piece of unpacker.unpack(chunk)) {
        yield Buffer.from(piece);
        await nextTurn();
      }
    }
  } finally {
    unpacker.close();
  }
}
