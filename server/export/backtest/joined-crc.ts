/** CRC-32 of ZIP, reversed polynomial. */
const polynomial = 0xedb88320;

/** A 32 × 32 matrix over bits: one column per bit of the operand. */
type Matrix = readonly number[];

/** Returns the CRC-32 of two pieces after each other, from their own and the length of the second piece in bytes. */
export function joinedCrc(first: number, second: number, secondBytes: number): number {
  // One zero bit shifts a CRC; squaring the matrix doubles the number of zeros: 1 bit, 2, 4, then 1 byte, 2, 4, …
  let shift: Matrix = [polynomial, ...Array.from({ length: 31 }, (_, bit) => 2 ** bit)];
  for (let n = 0; n < 3; n++) shift = squared(shift);
  let crc = first;
  for (let left = secondBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) crc = product(shift, crc);
    shift = squared(shift);
  }
  return (crc ^ second) >>> 0;
}

function squared(matrix: Matrix): Matrix {
  return matrix.map((column) => product(matrix, column));
}

function product(matrix: Matrix, bits: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) sum ^= matrix[bit] as number;
  return sum >>> 0;
}
