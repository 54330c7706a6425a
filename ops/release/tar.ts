/** A file or folder (no content) of an archive. Owner and group are root unless given. */
export type TarEntry = {
  /** Without leading slash; a folder's without trailing slash. At most 99 bytes. */
  readonly path: string;
  readonly mode: number;
  readonly content?: Uint8Array | string;
  readonly uid?: number;
  readonly gid?: number;
};

const blockBytes = 512;

/**
 * Returns a tar (POSIX ustar) whose bytes depend on the entries alone: given order, one time for all, no names of users. GNU tar would
 * need a staged folder with these owners, and the small libraries of the registry leave out the end of the archive or the owners.
 */
export function tarOf(entries: readonly TarEntry[], atS: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const { path, mode, content, uid = 0, gid = 0 } of entries) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const name = bytes === undefined ? `${path}/` : path;
    if (Buffer.byteLength(name) > 99) throw new Error(`${name} is too long for a tar`);
    parts.push(header(name, { mode, uid, gid, atS, size: bytes?.length ?? 0, type: bytes === undefined ? "5" : "0" }));
    if (bytes !== undefined) parts.push(bytes, new Uint8Array(-bytes.length & (blockBytes - 1)));
  }
  parts.push(new Uint8Array(2 * blockBytes));
  return Buffer.concat(parts);
}

type Header = { mode: number; uid: number; gid: number; atS: number; size: number; type: "0" | "5" };

function header(name: string, { mode, uid, gid, atS, size, type }: Header): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(atS, 136, 12);
  block.write(type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  // The checksum counts itself as spaces.
  const sum = block.reduce((total, byte) => total + byte, 8 * 0x20);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
