import { codeOf } from "../../platform/errors.ts";
import {
  type Body,
  bare,
  createSendSigned,
  type StoreAccess,
  type StorePatience,
  usualPatience,
  xmlText,
} from "./signed-request.ts";
import { storeProblem } from "./store-errors.ts";
import { type Listed, listObjects } from "./store-listing.ts";

/** What a store says of an object. `etag` is without quotes. */
export type ObjectState = { readonly bytes: number; readonly etag: string };

/** A small object in full. */
export type ObjectText = { readonly text: string; readonly etag: string };

/** Holds only if the object is still this one (its ETag), or if there is none ("absent"). */
export type Condition = { readonly is: string } | "absent" | null;

/** One part of a multipart upload that the store has got. */
export type Part = { readonly number: number; readonly etag: string };

/** One bucket. Everything rejects with a StoreProblem; nothing is retried. Every answer is bounded in bytes and time. */
export type ObjectStore = {
  /** `bucket at host`, for people. */
  readonly name: string;
  /** False once the store has said that it knows no conditional writes. */
  takesConditions(): boolean;
  stat(key: string): Promise<ObjectState | null>;
  /** Null if there is none. Rejects with the code `TooLarge` if it is longer than `mostTextBytes`. */
  readText(key: string): Promise<ObjectText | null>;
  /** The object's bytes, a piece at a time; an object that is longer than `bytes` is cut off there, with the code `TooLarge`. */
  read(key: string, bytes: number): AsyncGenerator<Uint8Array, void>;
  /** Every object below a prefix, in the store's order. Rejects if the store repeats itself. */
  list(prefix: string): AsyncGenerator<Listed, void>;
  remove(key: string): Promise<void>;
  /** Stores an object in one request; resolves with its ETag. */
  put(key: string, body: Body, condition: Condition): Promise<string>;
  beginParts(key: string): Promise<string>;
  putPart(key: string, uploadId: string, number: number, body: Body): Promise<string>;
  completeParts(key: string, uploadId: string, parts: readonly Part[], condition: Condition): Promise<void>;
  abortParts(key: string, uploadId: string): Promise<void>;
  /** Multipart uploads that were begun and not ended; none where the store does not tell. */
  unfinished(
    prefix: string,
  ): Promise<readonly { readonly key: string; readonly uploadId: string; readonly beganMs: number }[]>;
};

/** A manifest with a hundred thousand gaps takes a third of it. */
export const mostTextBytes = 32 * 1024 * 1024;
const listingBytes = 16 * 1024 * 1024;

/** The bucket behind `access`; `signal` ends everything that is under way. `onUnconditional`: it takes no conditional writes. */
export function createObjectStore(
  access: StoreAccess,
  signal: AbortSignal,
  onUnconditional: () => void = () => {},
  patience: StorePatience = usualPatience,
): ObjectStore {
  const { endpoint, bucket } = access;
  const { quickMs } = patience;
  const send = createSendSigned(access, signal, patience);
  /** Some stores refuse conditions, which is found out once; others ignore them, which cannot be seen from here. */
  let takesConditions = true;
  /** False once an ETag was weak, as proxies that compress make them: If-Match never holds for a weak ETag (RFC 9110, 13.1.1). */
  let hasStrongEtags = true;

  function etagOf(headers: Headers): string {
    const etag = headers.get("etag");
    if (etag?.startsWith("W/") && hasStrongEtags) {
      hasStrongEtags = false;
      onUnconditional();
    }
    return bare(etag) ?? "";
  }

  async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
    return work.catch((error: unknown) => {
      if (codeOf(error) === "NoSuchKey" || codeOf(error) === "NotFound") return null;
      throw error;
    });
  }

  function headersOf(condition: Exclude<Condition, null>): Record<string, string> {
    if (condition === "absent") return { "if-none-match": "*" };
    // An object without an ETag matches none.
    return hasStrongEtags && condition.is !== "" ? { "if-match": `"${condition.is}"` } : {};
  }

  async function conditionally<T>(
    condition: Condition,
    attempt: (headers: Record<string, string>) => Promise<T>,
  ): Promise<T> {
    const headers = !takesConditions || condition === null ? {} : headersOf(condition);
    try {
      return await attempt(headers);
    } catch (error) {
      if (Object.keys(headers).length === 0 || codeOf(error) !== "NotImplemented") throw error;
      if (takesConditions) onUnconditional();
      takesConditions = false;
      return attempt({});
    }
  }

  return {
    name: `${bucket} at ${new URL(endpoint).host}`,
    takesConditions: () => takesConditions,
    async stat(key) {
      const found = await unlessMissing(send({ method: "HEAD", key, operation: "look for", timeoutMs: quickMs }));
      if (found === null) return null;
      const bytes = Number(found.headers.get("content-length") ?? Number.NaN);
      if (!Number.isSafeInteger(bytes)) throw storeProblem("InvalidResponse", "it tells no size", "look for", key);
      return { bytes, etag: etagOf(found.headers) };
    },
    async readText(key) {
      const request = {
        method: "GET",
        key,
        operation: "read",
        timeoutMs: quickMs,
        answerBytes: mostTextBytes,
      } as const;
      const found = await unlessMissing(send(request));
      return found && { text: found.text, etag: etagOf(found.headers) };
    },
    read: (key, bytes) =>
      send.pieces({ method: "GET", key, operation: "read", timeoutMs: quickMs, answerBytes: bytes }),
    list: (prefix) =>
      listObjects(prefix, async (query) => {
        const request = { method: "GET", key: "", query, operation: "list", timeoutMs: quickMs } as const;
        return (await send({ ...request, answerBytes: listingBytes })).text;
      }),
    async remove(key) {
      await unlessMissing(send({ method: "DELETE", key, operation: "remove", timeoutMs: quickMs }));
    },
    put: (key, body, condition) =>
      conditionally(condition, async (headers) => {
        const answer = await send({ method: "PUT", key, headers, body, operation: "upload" });
        return bare(answer.headers.get("etag")) ?? "";
      }),
    async beginParts(key) {
      const { text } = await send({ method: "POST", key, query: { uploads: "" }, operation: "begin to upload" });
      const uploadId = xmlText(text, "UploadId");
      if (uploadId === null) throw storeProblem("InvalidResponse", "it names no upload", "begin to upload", key);
      return uploadId;
    },
    async putPart(key, uploadId, number, body) {
      const query = { partNumber: String(number), uploadId };
      const { headers } = await send({ method: "PUT", key, query, body, operation: "upload a part of" });
      return bare(headers.get("etag")) ?? "";
    },
    completeParts: (key, uploadId, parts, condition) =>
      conditionally(condition, async (headers) => {
        const list = parts.map(
          ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`,
        );
        const xml = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
        const body = { bytes: Buffer.byteLength(xml), open: () => xml };
        const request = { method: "POST", key, query: { uploadId }, headers, body, operation: "complete" } as const;
        const { text } = await send({ ...request, timeoutMs: 5 * patience.answerMs });
        // A store that takes long to join the parts has answered 200 before it knew.
        const code = text.includes("<Error>") ? xmlText(text, "Code") : null;
        if (code !== null) throw storeProblem(code, xmlText(text, "Message") ?? "", "complete", key);
      }),
    async abortParts(key, uploadId) {
      await send({
        method: "DELETE",
        key,
        query: { uploadId },
        operation: "abandon the upload of",
        timeoutMs: quickMs,
      });
    },
    async unfinished(prefix) {
      const query = { uploads: "", prefix };
      const request = { method: "GET", key: "", query, operation: "list uploads of", timeoutMs: quickMs } as const;
      const { text } = await send({ ...request, answerBytes: listingBytes });
      return [...text.matchAll(/<Upload>(.*?)<\/Upload>/gs)].map(([, item = ""]) => ({
        key: xmlText(item, "Key") ?? "",
        uploadId: xmlText(item, "UploadId") ?? "",
        beganMs: Date.parse(xmlText(item, "Initiated") ?? ""),
      }));
    },
  };
}
