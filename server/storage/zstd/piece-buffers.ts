/** Bytes of a piece. */
export const pieceBytes = 256 * 1024;

/** Buffers kept for the next borrower; a worker that merges a day uses three at a time. */
const mostSpare = 4;
const spare: Uint8Array[] = [];

/**
 * Borrows a buffer for the pieces of a file. Making one costs more than reading a small file does: 256 KB to clear, and as much for the garbage
 * collector to think of. The content is whatever the last borrower left.
 */
export function borrowPiece(): Uint8Array {
  return spare.pop() ?? new Uint8Array(pieceBytes);
}

/** Gives a buffer back; its borrower must not touch it again. */
export function returnPiece(buffer: Uint8Array): void {
  if (spare.length < mostSpare) spare.push(buffer);
}
