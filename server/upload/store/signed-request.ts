import { AwsClient } from "aws4fetch";
import { type Bounds, boundedPieces, boundedText } from "./bounded-answer.ts";
import { type StoreProblem, storeProblem, storeProblemOf } from "./store-errors.ts";

/** Where a bucket is, and the key to it. */
export type StoreAccess = {
  /** `https://host[:port]` */
  readonly endpoint: string;
  readonly bucket: string;
  /** Guessed from the endpoint where empty. */
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
};

/** What is sent: so many bytes, from the beginning each time it is opened. */
export type Body = { readonly bytes: number; open(): ReadableStream<Uint8Array> | string };

export type SignedRequest = {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Said in errors: "upload", "list". */
  readonly operation: string;
  /** Without an answer for so long, after the body is sent, the request has failed. */
  readonly timeoutMs?: number;
  /** Longest answer that is taken; 1 MiB where it is not said. */
  readonly answerBytes?: number;
};

/** An answer in full. */
export type StoreAnswer = { readonly headers: Headers; readonly text: string };

export type SendSigned = {
  /** Resolves with the answer of a request that succeeded, rejects with a StoreProblem. */
  (request: SignedRequest): Promise<StoreAnswer>;
  /** The pieces of an answer of up to `answerBytes`, as they come; leaving the loop ends the transfer. */
  pieces(request: SignedRequest): AsyncGenerator<Uint8Array, void>;
};

/** How long a store may take, ms. */
export type StorePatience = {
  /** For a small answer to come, and for each piece of any. */
  readonly quickMs: number;
  /** For the answer to a body that was sent, and for each piece of that body to be taken. */
  readonly answerMs: number;
  /** After this wait for an answer's pieces together, they must have come at a decent pace. */
  readonly pieceMs: number;
};

export const usualPatience: StorePatience = { quickMs: 30_000, answerMs: 120_000, pieceMs: 60_000 };

const usualBytes = 1024 * 1024;
/** An answer that says why a request failed is cut off here. */
const refusalBytes = 64 * 1024;
/** The least pace of an answer, bytes a second. */
const slowest = 16 * 1024;

/**
 * Requests signed as S3 wants them (Signature Version 4): with a signal, conditions, a body that is streamed at a measured pace, and
 * answers bounded in bytes and time. Whatever breaks a bound is aborted, connection included. `signal` ends what is under way.
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

  /** `use` reads the body of an answer that succeeded. */
  async function request<T>(
    request: SignedRequest,
    use: (response: Response, bounds: Bounds, abort: (reason: Error) => void) => T,
  ): Promise<T> {
    const { operation, key, method, body } = request;
    const late = new AbortController();
    const abort = (reason: Error) => late.abort(reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => late.abort(timeout(operation, key)), request.timeoutMs ?? answerMs);
    };
    try {
      const signed = await signer.sign(urlOf(access, request), {
        method,
        // Signing the content would mean to read it twice; what arrived is verified by its checksum instead.
        headers: { ...request.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
      });
      const headers = new Headers(signed.headers);
      if (body !== undefined) headers.set("content-length", String(body.bytes));
      // What the store sends is what is counted and hashed; nothing is unpacked on the way.
      headers.set("accept-encoding", "identity");
      const opened = body?.open();
      watch();
      const response = await fetch(signed.url, {
        method,
        headers,
        body: opened instanceof ReadableStream ? opened.pipeThrough(observing(watch)) : opened,
        redirect: "manual",
        decompress: false,
        signal: AbortSignal.any([signal, late.signal]),
      });
      clearTimeout(timer);
      const idleMs = request.timeoutMs ?? answerMs;
      if (response.ok) {
        const bytes = request.answerBytes ?? usualBytes;
        return use(response, { bytes, idleMs, patienceMs, slowest }, abort);
      }
      const bounds = { bytes: refusalBytes, idleMs, patienceMs, slowest };
      const text = await boundedText(response.body, bounds, abort).catch(() => "");
      throw refusal(response.status, text, operation, key);
    } catch (error) {
      throw storeProblemOf(late.signal.aborted ? late.signal.reason : error, operation, key);
    } finally {
      clearTimeout(timer);
    }
  }

  async function send(of: SignedRequest): Promise<StoreAnswer> {
    const [headers, text] = await request(of, (response, bounds, abort) => [
      response.headers,
      boundedText(response.body, bounds, abort),
    ]);
    try {
      return { headers, text: await text };
    } catch (error) {
      throw storeProblemOf(error, of.operation, of.key);
    }
  }

  async function* pieces(of: SignedRequest): AsyncGenerator<Uint8Array, void> {
    try {
      yield* await request(of, (response, bounds, abort) => boundedPieces(response.body, bounds, abort));
    } catch (error) {
      throw storeProblemOf(error, of.operation, of.key);
    }
  }

  return Object.assign(send, { pieces });
}

/** An ETag without its quotes. */
export function bare(etag: string | null | undefined): string | null {
  return etag?.replace(/^(?:W\/)?"?|"?$/g, "") ?? null;
}

/** Text of an XML element, entities resolved; null if it is not there. */
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

/** The region that an endpoint's name tells, as the usual stores name them; else the one that the others take for any. */
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

function timeout(operation: string, key: string): StoreProblem {
  return storeProblem("Timeout", "the store does not answer", operation, key);
}

function refusal(status: number, text: string, operation: string, key: string): StoreProblem {
  const code = xmlText(text, "Code")?.slice(0, 100) || (codes[status] ?? `HTTP ${status}`);
  const message = xmlText(text, "Message")?.slice(0, 500) ?? `the store answered ${status}`;
  return storeProblem(code, message, operation, key);
}

/** For stores and proxies that answer without saying more. */
const codes: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  403: "Forbidden",
  404: "NoSuchKey",
  409: "ConditionalRequestConflict",
  412: "PreconditionFailed",
  501: "NotImplemented",
  503: "SlowDown",
};
