import { open } from "../platform/files-async.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Pacer } from "./pacer.ts";

/** SHA-256, hex, of an object, which is read for it. */
export async function sha256OfObject(store: ObjectStore, key: string, pacer: Pacer): Promise<string> {
  return pass(store, key, pacer, async () => {});
}

/** Writes an object into a file; resolves with its SHA-256, hex. */
export async function download(store: ObjectStore, key: string, path: string, pacer: Pacer): Promise<string> {
  const file = await open(path, "w");
  try {
    return await pass(store, key, pacer, async (piece) => {
      await file.writeFile(piece);
    });
  } finally {
    await file.close();
  }
}

async function pass(
  store: ObjectStore,
  key: string,
  pacer: Pacer,
  onPiece: (piece: Uint8Array) => Promise<void>,
): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const piece of store.read(key)) {
    await pacer.take(piece.length);
    hash.update(piece);
    await onPiece(piece);
  }
  return hash.digest("hex");
}
