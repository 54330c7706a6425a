import type { TableStore } from "../../dataset/delta/table-store.ts";
import { codeOf } from "../../platform/errors.ts";
import { isChecksum } from "../../upload/day/bucket-day.ts";
import { isOvertaken } from "../../upload/day/upload-file.ts";
import { mostTextBytes, type ObjectStore } from "../../upload/store/object-store.ts";
import { mismatch } from "../../upload/store/store-errors.ts";

/** Creates the access to the table below `root` (`prefix/dataset/stream=depth20`) in a bucket. */
export function createBucketStore(store: ObjectStore, root: string): TableStore {
  const keyOf = (path: string) => `${root}/${path}`;

  async function read(path: string): Promise<Uint8Array | null> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of store.read(keyOf(path), mostTextBytes)) pieces.push(piece);
    } catch (error) {
      if (["NoSuchKey", "NotFound"].includes(codeOf(error) ?? "")) return null;
      throw error;
    }
    return Buffer.concat(pieces);
  }

  async function put(path: string, content: Uint8Array, condition: "absent" | null): Promise<void> {
    const md5 = new Bun.CryptoHasher("md5").update(content).digest();
    const body = { bytes: content.length, md5: md5.toString("base64"), open: () => streamOf(content) };
    const etag = await store.put(keyOf(path), body, condition);
    if (isChecksum(etag) && !etag.includes("-") && etag.toLowerCase() !== md5.toString("hex"))
      throw mismatch(keyOf(path), "the store has other bytes than were sent");
  }

  return {
    name: `${store.name}, ${root}`,
    read,
    /**
     * Creates an object only if it is absent. Stores that ignore the condition are asked before and read afterwards; two recorders
     * that commit within that moment can then overwrite each other, and the next look finds the day that is missing.
     */
    async create(path, content) {
      if ((await store.stat(keyOf(path))) !== null) return false;
      try {
        await put(path, content, "absent");
      } catch (error) {
        if (isOvertaken(error)) return false;
        throw error;
      }
      const stored = await read(path);
      return stored !== null && Buffer.from(stored).equals(content);
    },
    replace: (path, content) => put(path, content, null),
    remove: (path) => store.remove(keyOf(path)),
  };
}

function streamOf(content: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(content);
      controller.close();
    },
  });
}
