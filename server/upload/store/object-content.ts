import { open } from "../../platform/files/files-async.ts";
import type { BandwidthLimit } from "../bandwidth-limit.ts";
import type { ObjectState, ObjectStore } from "./object-store.ts";
import { mismatch } from "./store-errors.ts";

/** SHA-256, hex, of an object, which is read for it. Rejects if it is not as long as the store has said. */
export async function sha256OfObject(
  store: ObjectStore,
  key: string,
  state: ObjectState,
  pacer: BandwidthLimit,
): Promise<string> {
  return pass(store, key, state, pacer, async () => {});
}

/** Writes an object into a file; resolves with its SHA-256, hex. */
export async function download(
  store: ObjectStore,
  key: string,
  state: ObjectState,
  path: string,
  pacer: BandwidthLimit,
): Promise<string> {
  const file = await open(path, "w");
  try {
    return await pass(store, key, state, pacer, async (piece) => {
      await file.writeFile(piece);
    });
  } finally {
    await file.close();
  }
}

async function pass(
  store: ObjectStore,
  key: string,
  { bytes }: ObjectState,
  pacer: BandwidthLimit,
  onPiece: (piece: Uint8Array) => Promise<void>,
): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  let length = 0;
  for await (const piece of store.read(key, bytes)) {
    length += piece.length;
    await pacer.take(piece.length);
    hash.update(piece);
    await onPiece(piece);
  }
  if (length !== bytes) throw mismatch(key, `the store gave ${length} of ${bytes} bytes`);
  return hash.digest("hex");
}
