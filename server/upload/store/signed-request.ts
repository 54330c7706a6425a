import { AwsClient } from "aws4fetch";
import { routeTo } from "../../platform/fetch/proxy-route.ts";
import { fetchThrough } from "../../platform/fetch/proxy-trouble.ts";
import { createDeadline, type Deadline } from "../../platform/time/deadline.ts";
import { type Bounds, boundedPieces, boundedText } from "./bounded-answer.ts";
import { StoreProblem, storeProblem, storeProblemOf } from "./store-errors.ts";

/** Address and access key of a bucket. */
export type StoreAccess = {
  /** `https://host[:port]` */
  readonly endpoint: string;
  readonly bucket: string;
  /** Empty: derived from the endpoint. */
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
};

/** A request body of `bytes` bytes; each `open` starts from the beginning. `md5` is base64, as in the header Content-MD5. */
export type Body = { readonly bytes: number; readonly md5: string; open(): ReadableStream<Uint8Array> | string };

/** Makes a request body of a text. */
export function textBody(text: string): Body {
  const md5 = new Bun.CryptoHasher("md5").update(text).digest("base64");
  return { bytes: Buffer.byteLength(text), md5, open: () => text };
}

export type SignedRequest = {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Verb for error messages: "upload", "list". */
  readonly operation: string;
  /** Longest wait for the answer after the body was sent, ms. */
  readonly timeoutMs?: number;
  /** Longest accepted answer, bytes; default 1 MiB. */
  readonly answerBytes?: number;
};

/** A complete answer. */
export type StoreAnswer = { readonly headers: Headers; readonly text: string };

export type SendSigned = {
  /** Sends a request; resolves with its answer. @throws StoreProblem */
  (request: SignedRequest): Promise<StoreAnswer>;
  /** Yields the pieces of an answer of at most `answerBytes`. Leaving the loop ends the transfer. @throws StoreProblem */
  pieces(request: SignedRequest): AsyncGenerator<Uint8Array, void>;
};

/** Time limits of the store, ms. */
export type StorePatience = {
  /** Longest wait for a small answer, and for each piece of any answer. */
  readonly quickMs: number;
  /** Longest wait for the answer after a body was sent, and for the store to accept each piece of that body. */
  readonly answerMs: number;
  /** Total wait for the pieces of an answer after which their rate is checked. */
  readonly pieceMs: number;
};

export const usualPatience: StorePatience = { quickMs: 30_000, answerMs: 120_000, pieceMs: 60_000 };

const usualBytes = 1024 * 1024;
/** Longest text of a failed request that is read. */
const refusalBytes = 64 * 1024;
/** Lowest accepted rate of an answer, bytes per second. */
const slowest = 16 * 1024;

/**
 * Creates a function that sends requests signed for S3 (AWS Signature Version 4). Bodies are streamed. Answers are bounded in bytes
 * and time; an answer that exceeds a bound is aborted and its connection closed. `signal` aborts all requests.
 */
export function createSendSigned(access: StoreAccess, signal: AbortSignal, patience = usualPatience): SendSigned {
  const { answerMs, pieceMs: patienceMs } = patience;
  const signer = new AwsClient({
    accessKeyId: access.accessKey,
    secretAccessKey: access.secretKey,
    service: "s3",
    region: access.region || regionOf(access.endpoint),
    retries: 0,
  });

  /** Sends a request. The caller reads the body of the successful answer, and then clears the deadline. */
  async function open(request: SignedRequest): Promise<{ response: Response; bounds: Bounds; deadline: Deadline }> {
    const { operation, key, method, body } = request;
    const idleMs = request.timeoutMs ?? answerMs;
    const deadline = createDeadline({ what: "the store did not answer", ms: idleMs, signal });
    try {
      const signed = await signer.sign(urlOf(access, request), {
        method,
        // A signed body would have to be read twice. The object's checksum is verified after the upload instead.
        headers: {
          ...request.headers,
          "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
          // A bucket with an object lock refuses bodies without a checksum.
          ...(body !== undefined && { "content-md5": body.md5 }),
        },
      });
      const headers = new Headers(signed.headers);
      if (body !== undefined) headers.set("content-length", String(body.bytes));
      // The bytes on the wire are counted and hashed, so they must not be compressed.
      headers.set("accept-encoding", "identity");
      const opened = body?.open();
      deadline.restart();
      const response = await fetchThrough(routeTo(signed.url), signed.url, {
        method,
        headers,
        body: opened instanceof ReadableStream ? opened.pipeThrough(observing(deadline.restart)) : opened,
        redirect: "manual",
        decompress: false,
        signal: deadline.signal,
      });
      // From here on each piece of the body has a deadline of its own.
      deadline.stop();
      const bytes = response.ok ? (request.answerBytes ?? usualBytes) : refusalBytes;
      const bounds = { bytes, idleMs, patienceMs, slowest };
      if (response.ok) return { response, bounds, deadline };
      const text = await boundedText(response.body, bounds, deadline.abort).catch(() => "");
      throw refusal(response.status, text, operation, key);
    } catch (error) {
      deadline.clear();
      const isOurs = deadline.signal.aborted && !(error instanceof StoreProblem);
      throw storeProblemOf(isOurs ? deadline.signal.reason : error, operation, key);
    }
  }

  async function send(signed: SignedRequest): Promise<StoreAnswer> {
    const { response, bounds, deadline } = await open(signed);
    try {
      return { headers: response.headers, text: await boundedText(response.body, bounds, deadline.abort) };
    } catch (error) {
      throw storeProblemOf(error, signed.operation, signed.key);
    } finally {
      deadline.clear();
    }
  }

  async function* pieces(signed: SignedRequest): AsyncGenerator<Uint8Array, void> {
    const { response, bounds, deadline } = await open(signed);
    try {
      yield* boundedPieces(response.body, bounds, deadline.abort);
    } catch (error) {
      throw storeProblemOf(error, signed.operation, signed.key);
    } finally {
      deadline.clear();
    }
  }

  return Object.assign(send, { pieces });
}

/** Removes the quotes and the weak prefix of an ETag; null without an ETag. */
export function bare(etag: string | null | undefined): string | null {
  return etag?.replace(/^(?:W\/)?"?|"?$/g, "") ?? null;
}

/** Returns the text of an XML element with entities resolved; null if the element is absent. */
export function xmlText(xml: string, element: string): string | null {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  if (text === undefined) return null;
  return text
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_, hex, dec) =>
      String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(hex ?? dec, hex ? 16 : 10))),
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

/** Derives the region from the host name of common stores; else "us-east-1", which other stores accept as any region. */
export function regionOf(endpoint: string): string {
  const { hostname } = new URL(endpoint);
  if (hostname.endsWith(".r2.cloudflarestorage.com")) return "auto";
  const dotted = /^s3[.-]((?:[a-z]+-){1,3}[a-z]*\d+)\./.exec(hostname) ?? /^s3\.([a-z]{2}-[a-z]{3})\./.exec(hostname);
  const leading = /^([a-z]{3,4}\d)\.(?:digitaloceanspaces\.com|your-objectstorage\.com)$/.exec(hostname);
  return dotted?.[1] ?? leading?.[1] ?? "us-east-1";
}

function urlOf(access: StoreAccess, { key, query }: SignedRequest): string {
  const encode = (part: string) =>
    encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const path = [access.bucket, ...(key === "" ? [] : key.split("/"))].map(encode).join("/");
  const search = Object.entries(query ?? {}).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return `${access.endpoint}/${path}${search.length > 0 ? `?${search.join("&")}` : ""}`;
}

function observing(onChunk: () => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      onChunk();
      controller.enqueue(chunk);
    },
  });
}

function refusal(status: number, text: string, operation: string, key: string): StoreProblem {
  const code = xmlText(text, "Code")?.slice(0, 100) || (codesByStatus[status] ?? `HTTP ${status}`);
  const message = xmlText(text, "Message")?.slice(0, 500) ?? `the store answered ${status}`;
  return storeProblem(code, message, operation, key);
}

/** Error codes for answers of stores and proxies that contain no code. */
const codesByStatus: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  403: "Forbidden",
  404: "NoSuchKey",
  409: "ConditionalRequestConflict",
  412: "PreconditionFailed",
  501: "NotImplemented",
  503: "SlowDown",
};
