import type { BandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { open } from "../../platform/files/files-async.ts";
import type { ObjectState, ObjectStore } from "./object-store.ts";
import { mismatch } from "./store-errors.ts";

/** Reads an object and returns its SHA-256 as hex. @throws StoreProblem, also if its length differs from `state` */
export async function sha256OfObject(
  store: ObjectStore,
  key: string,
  state: ObjectState,
  pacer: BandwidthLimit,
): Promise<string> {
  return readObject(store, key, state, pacer, async () => {});
}

/** Writes an object to a file and returns its SHA-256 as hex. @throws StoreProblem or the file's error */
export async function download(
  store: ObjectStore,
  key: string,
  state: ObjectState,
  path: string,
  pacer: BandwidthLimit,
): Promise<string> {
  const file = await open(path, "w");
  try {
    return await readObject(store, key, state, pacer, async (piece) => {
      await file.writeFile(piece);
    });
  } finally {
    await file.close();
  }
}

async function readObject(
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
    await pacer.acquire(piece.length);
    hash.update(piece);
    await onPiece(piece);
  }
  if (length !== bytes) throw mismatch(key, `the store sent ${length} of ${bytes} bytes`);
  return hash.digest("hex");
}
