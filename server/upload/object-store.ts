import { S3Client } from "bun";
import { codeOf } from "../problem.ts";
import { type Body, bare, createSendSigned, regionOf, type StoreAccess, xmlText } from "./signed-request.ts";
import { storeProblem, storeProblemOf } from "./store-problem.ts";

/** What a store says of an object. `etag` is without quotes. */
export type ObjectState = { readonly bytes: number; readonly etag: string; readonly modifiedMs: number };

/** Holds only if the object is still this one (its ETag), or if there is none ("absent"). */
export type Condition = { readonly is: string } | "absent" | null;

/** One part of a multipart upload that the store has got. */
export type Part = { readonly number: number; readonly etag: string };

/** One bucket. Everything rejects with a StoreProblem; nothing is retried. */
export type ObjectStore = {
  /** `bucket at host`, for people. */
  readonly name: string;
  stat(key: string): Promise<ObjectState | null>;
  readText(key: string): Promise<string | null>;
  /** The object's bytes, a piece at a time. */
  read(key: string): AsyncGenerator<Uint8Array, void>;
  /** Every object below a prefix, in order of keys. */
  list(prefix: string): AsyncGenerator<{ readonly key: string; readonly bytes: number }, void>;
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

const quickMs = 30_000;

/** The bucket behind `access`; `signal` ends everything that is under way. */
export function createObjectStore(access: StoreAccess, signal: AbortSignal): ObjectStore {
  const { endpoint, bucket, accessKey, secretKey } = access;
  const client = new S3Client({
    ...{ endpoint, bucket, region: access.region || regionOf(endpoint) },
    ...{ accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  const send = createSendSigned(access, signal);
  /** Some stores refuse conditions, which is found out once; others ignore them, which cannot be seen from here. */
  let takesConditions = true;

  /** Bun's client knows neither a signal nor a timeout. */
  async function within<T>(work: Promise<T>, operation: string, key: string): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let onAbort = () => {};
    const end = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(storeProblem("Timeout", "the store does not answer", operation, key)), quickMs);
      onAbort = () => reject(storeProblem("Stopped", "stopping", operation, key));
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([work, end]);
    } catch (error) {
      throw storeProblemOf(error, operation, key);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async function unlessMissing<T>(work: Promise<T>, operation: string, key: string): Promise<T | null> {
    const orNull = work.catch((error: unknown) => {
      if (codeOf(error) === "NoSuchKey" || codeOf(error) === "NotFound") return null;
      throw error;
    });
    return within(orNull, operation, key);
  }

  async function conditionally<T>(
    condition: Condition,
    attempt: (headers: Record<string, string>) => Promise<T>,
  ): Promise<T> {
    const headers: Record<string, string> =
      condition === null || !takesConditions
        ? {}
        : condition === "absent"
          ? { "if-none-match": "*" }
          : { "if-match": `"${condition.is}"` };
    try {
      return await attempt(headers);
    } catch (error) {
      if (Object.keys(headers).length === 0 || codeOf(error) !== "NotImplemented") throw error;
      takesConditions = false;
      return attempt({});
    }
  }

  return {
    name: `${bucket} at ${new URL(endpoint).host}`,
    async stat(key) {
      const found = await unlessMissing(client.stat(key), "look for", key);
      return found && { bytes: found.size, etag: bare(found.etag) ?? "", modifiedMs: found.lastModified.getTime() };
    },
    readText: (key) => unlessMissing(client.file(key).text(), "read", key),
    async *read(key) {
      const reader = client.file(key).stream().getReader();
      try {
        for (;;) {
          const { done, value } = await within(reader.read(), "read", key);
          if (done) return;
          yield value;
        }
      } finally {
        void reader.cancel().catch(() => {});
      }
    },
    async *list(prefix) {
      // Not by Bun's client, whose address (`/bucket/?…`) some stores sign differently.
      for (let token: string | null = ""; token !== null; ) {
        const query = { "list-type": "2", prefix, ...(token === "" ? {} : { "continuation-token": token }) };
        const { text } = await send({ method: "GET", key: "", query, operation: "list", timeoutMs: quickMs });
        for (const [, item = ""] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          yield { key: xmlText(item, "Key") ?? "", bytes: Number(xmlText(item, "Size")) };
        }
        token = xmlText(text, "IsTruncated") === "true" ? xmlText(text, "NextContinuationToken") : null;
      }
    },
    remove: (key) => within(client.delete(key), "remove", key),
    put: (key, body, condition) =>
      conditionally(condition, async (headers) => {
        const { etag } = await send({ method: "PUT", key, headers, body, operation: "upload" });
        return etag ?? "";
      }),
    async beginParts(key) {
      const { text } = await send({ method: "POST", key, query: { uploads: "" }, operation: "begin to upload" });
      const uploadId = xmlText(text, "UploadId");
      if (uploadId === null) throw storeProblem("InvalidResponse", "it names no upload", "begin to upload", key);
      return uploadId;
    },
    async putPart(key, uploadId, number, body) {
      const query = { partNumber: String(number), uploadId };
      return (await send({ method: "PUT", key, query, body, operation: "upload a part of" })).etag ?? "";
    },
    completeParts: (key, uploadId, parts, condition) =>
      conditionally(condition, async (headers) => {
        const list = parts.map(
          ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`,
        );
        const xml = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
        const body = { bytes: Buffer.byteLength(xml), open: () => xml };
        const request = { method: "POST", key, query: { uploadId }, headers, body, operation: "complete" } as const;
        const { text } = await send({ ...request, timeoutMs: 600_000 });
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
      const { text } = await send({ method: "GET", key: "", query, operation: "list uploads of", timeoutMs: quickMs });
      return [...text.matchAll(/<Upload>(.*?)<\/Upload>/gs)].map(([, item = ""]) => ({
        key: xmlText(item, "Key") ?? "",
        uploadId: xmlText(item, "UploadId") ?? "",
        beganMs: Date.parse(xmlText(item, "Initiated") ?? ""),
      }));
    },
  };
}
