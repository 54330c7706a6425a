import { codeOf } from "../../platform/errors.ts";
import {
  type Body,
  bare,
  createSendSigned,
  type StoreAccess,
  type StorePatience,
  textBody,
  usualPatience,
  xmlText,
} from "./signed-request.ts";
import { storeProblem } from "./store-errors.ts";
import { type ListedObject, listObjects } from "./store-listing.ts";

/** Size and ETag of an object, as the store reports them. `etag` is without quotes. */
export type ObjectState = { readonly bytes: number; readonly etag: string };

/** The content of a small object. */
export type ObjectText = { readonly text: string; readonly etag: string };

/** Condition of a write: the object still has this ETag, or does not exist ("absent"); null: no condition. */
export type Condition = { readonly is: string } | "absent" | null;

/** A stored part of a multipart upload. */
export type Part = { readonly number: number; readonly etag: string };

/** One bucket. All methods reject with a StoreProblem and do not retry. Every answer is bounded in bytes and time. */
export type ObjectStore = {
  /** `bucket at host`, for people. */
  readonly name: string;
  /** False after the store has refused a conditional write as not implemented. */
  takesConditions(): boolean;
  stat(key: string): Promise<ObjectState | null>;
  /** Reads a small object; null if absent. Rejects with the code `TooLarge` if it is longer than `mostTextBytes`. */
  readText(key: string): Promise<ObjectText | null>;
  /** Yields the object's bytes in pieces. Rejects with the code `TooLarge` if the object is longer than `bytes`. */
  read(key: string, bytes: number): AsyncGenerator<Uint8Array, void>;
  /** Yields every object below a prefix, in the store's order. Rejects if the store repeats a page. */
  list(prefix: string): AsyncGenerator<ListedObject, void>;
  remove(key: string): Promise<void>;
  /** Stores an object in one request; resolves with its ETag. */
  put(key: string, body: Body, condition: Condition): Promise<string>;
  beginParts(key: string): Promise<string>;
  putPart(key: string, uploadId: string, number: number, body: Body): Promise<string>;
  completeParts(key: string, uploadId: string, parts: readonly Part[], condition: Condition): Promise<void>;
  abortParts(key: string, uploadId: string): Promise<void>;
  /** Lists multipart uploads that were started and not finished. */
  unfinished(
    prefix: string,
  ): Promise<readonly { readonly key: string; readonly uploadId: string; readonly beganMs: number }[]>;
};

/** Largest text object, bytes. A manifest with a hundred thousand gaps is a third of it. */
export const mostTextBytes = 32 * 1024 * 1024;
const listingBytes = 16 * 1024 * 1024;

/** Creates the client of a bucket. `signal` aborts all requests. `onUnconditional`: the store does not support conditional writes. */
export function createObjectStore(
  access: StoreAccess,
  signal: AbortSignal,
  onUnconditional: () => void = () => {},
  patience: StorePatience = usualPatience,
): ObjectStore {
  const { endpoint, bucket } = access;
  const { quickMs } = patience;
  const send = createSendSigned(access, signal, patience);
  /** Some stores refuse conditions; that is detected once. Other stores ignore conditions; that cannot be detected here. */
  let takesConditions = true;
  /** False after a weak ETag, which compressing proxies produce. If-Match never holds for a weak ETag (RFC 9110, 13.1.1). */
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
    // An object without an ETag never matches a condition.
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
      const answer = await unlessMissing(send({ method: "HEAD", key, operation: "look for", timeoutMs: quickMs }));
      if (answer === null) return null;
      const bytes = Number(answer.headers.get("content-length") ?? Number.NaN);
      if (!Number.isSafeInteger(bytes))
        throw storeProblem("InvalidResponse", "the answer has no size", "look for", key);
      return { bytes, etag: etagOf(answer.headers) };
    },
    async readText(key) {
      const request = {
        method: "GET",
        key,
        operation: "read",
        timeoutMs: quickMs,
        answerBytes: mostTextBytes,
      } as const;
      const answer = await unlessMissing(send(request));
      return answer && { text: answer.text, etag: etagOf(answer.headers) };
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
      if (uploadId === null)
        throw storeProblem("InvalidResponse", "the answer has no upload id", "begin to upload", key);
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
        const request = {
          method: "POST",
          key,
          query: { uploadId },
          headers,
          body: textBody(xml),
          operation: "complete",
        } as const;
        const { text } = await send({ ...request, timeoutMs: 5 * patience.answerMs });
        // A store that needs long to join the parts answers 200 first and reports an error later in the body.
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
