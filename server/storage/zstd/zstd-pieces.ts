import { createZstdDecompress } from "node:zlib";
import { nextTurn } from "../../platform/time/timers.ts";
import { borrowPiece, pieceBytes, returnPiece } from "./piece-buffers.ts";

/** Unpacks zstd a piece at a time, so that what a piece of input unpacks to is bounded however large it is altogether. */
export type ZstdPieces = {
  /** What the input unpacks to; a piece is valid until the next one. Throws on corrupt data and wrong checksums, not on truncated data. */
  unpack(input: Uint8Array): Generator<Uint8Array, void>;
  close(): void;
};

/** A zlib stream of Node's, driven in the calling thread instead of in the pool that file operations share. */
export type ZstdDriver = {
  /** Takes the input and yields the output, a piece at a time; a piece is valid until the next one. Throws on corrupt data. */
  step(input: Uint8Array, flush: number): Generator<Uint8Array, void>;
  /** Gives the native memory back. Idempotent. */
  close(): void;
};

/** The part of node:zlib's binding that its own synchronous functions are made of. */
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

/** Drives a stream of node:zlib; nothing else may be done with the stream. */
export function driveZstd(stream: { close(): void }): ZstdDriver {
  const { _handle: handle, _writeState: left } = stream as unknown as { _handle: Handle; _writeState: Uint32Array };
  if (typeof handle?.writeSync !== "function" || left?.length !== 2) {
    throw new Error(
      "this runtime's node:zlib has no synchronous streams; run RT-Data with the Bun version it is pinned to",
    );
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
        const [outputLeft = 0, inputLeft = 0] = left;
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

/** In the calling thread: a piece takes well under a millisecond. */
export function createZstdPieces(): ZstdPieces {
  const { step, close } = driveZstd(createZstdDecompress());
  return { unpack: (input) => step(input, 0), close };
}

/** What a stream of input unpacks to; the pieces are the caller's to keep. Others in this thread have their turn between two of them. */
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
