/** Size of a piece in bytes. */
export const pieceBytes = 256 * 1024;

/** Most buffers kept for reuse. A worker that merges a day uses three at a time. */
const maxSpare = 4;
const spare: Uint8Array[] = [];

/**
 * Borrows a buffer for the pieces of a file. Its content is undefined.
 * Allocating a buffer costs more than reading a small file: 256 KB to clear, and garbage collection.
 */
export function borrowPiece(): Uint8Array {
  return spare.pop() ?? new Uint8Array(pieceBytes);
}

/** Returns a buffer. Its borrower must not touch it again. */
export function returnPiece(buffer: Uint8Array): void {
  if (spare.length < maxSpare) spare.push(buffer);
}
