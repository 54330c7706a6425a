/** A value in Thrift's compact protocol: its type, and a function that appends its bytes. */
export type ThriftValue = readonly [type: number, append: (out: number[]) => void];

/** Members of a struct by their field number; null and undefined are left out. */
export type ThriftFields = Readonly<Record<number, ThriftValue | null | undefined>>;

const types = { isTrue: 1, isFalse: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/** A whole number of 32 bits. */
export function i32(value: number): ThriftValue {
  return [types.i32, (out) => appendVarint(out, zigzag(value))];
}

/** A whole number of 64 bits that a double holds exactly. */
export function i64(value: number): ThriftValue {
  return [types.i64, (out) => appendVarint(out, zigzag(value))];
}

export function bool(value: boolean): ThriftValue {
  return [value ? types.isTrue : types.isFalse, () => {}];
}

/** Text as UTF-8, or bytes. */
export function binary(value: string | Uint8Array): ThriftValue {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return [
    types.binary,
    (out) => {
      appendVarint(out, bytes.length);
      for (const byte of bytes) out.push(byte);
    },
  ];
}

/** A list of values of one type. */
export function list(items: readonly ThriftValue[]): ThriftValue {
  const type = items[0]?.[0] ?? types.struct;
  return [
    types.list,
    (out) => {
      if (items.length < 15) out.push((items.length << 4) | type);
      else {
        out.push(0xf0 | type);
        appendVarint(out, items.length);
      }
      for (const [, append] of items) append(out);
    },
  ];
}

export function struct(fields: ThriftFields): ThriftValue {
  return [
    types.struct,
    (out) => {
      let last = 0;
      // Whole-number keys of an object come in ascending order.
      for (const [key, value] of Object.entries(fields)) {
        if (value === null || value === undefined) continue;
        const id = Number(key);
        out.push(((id - last) << 4) | value[0]);
        value[1](out);
        last = id;
      }
      out.push(0);
    },
  ];
}

/** Encodes a struct. */
export function encodeThrift(fields: ThriftFields): Uint8Array {
  const out: number[] = [];
  struct(fields)[1](out);
  return Uint8Array.from(out);
}

/** Maps 0, -1, 1, -2 … to 0, 1, 2, 3 … */
export function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Appends a whole number from 0 in groups of seven bits. */
export function appendVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
