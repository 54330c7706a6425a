import { AwsClient } from "aws4fetch";
import { type StoreProblem, storeProblem, storeProblemOf } from "./store-problem.ts";

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
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Said in errors: "upload", "list". */
  readonly operation: string;
  /** Without an answer for so long, after the body is sent, the request has failed. */
  readonly timeoutMs?: number;
};

/** Resolves with the answer of a request that succeeded, rejects with a StoreProblem. */
export type SendSigned = (request: SignedRequest) => Promise<{ readonly etag: string | null; readonly text: string }>;

const answerMs = 120_000;

/**
 * Requests signed as S3 wants them (Signature Version 4), for what Bun's S3 client does not offer: parts of a multipart upload,
 * conditional writes, a body that is streamed at a measured pace. `signal` ends what is under way.
 */
export function createSendSigned(access: StoreAccess, signal: AbortSignal): SendSigned {
  const signer = new AwsClient({
    accessKeyId: access.accessKey,
    secretAccessKey: access.secretKey,
    service: "s3",
    region: access.region || regionOf(access.endpoint),
    retries: 0,
  });
  return async (request) => {
    const { operation, key, method, body } = request;
    const late = new AbortController();
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
      const opened = body?.open();
      watch();
      const response = await fetch(signed.url, {
        method,
        headers,
        body: opened instanceof ReadableStream ? opened.pipeThrough(observing(watch)) : opened,
        redirect: "manual",
        signal: AbortSignal.any([signal, late.signal]),
      });
      const text = await response.text();
      if (response.ok) return { etag: bare(response.headers.get("etag")), text };
      throw refusal(response.status, text, operation, key);
    } catch (error) {
      throw storeProblemOf(late.signal.aborted ? late.signal.reason : error, operation, key);
    } finally {
      clearTimeout(timer);
    }
  };
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
    .replace(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, hex, dec) =>
      String.fromCodePoint(Number.parseInt(hex ?? dec, hex ? 16 : 10)),
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
  const code = xmlText(text, "Code") ?? codes[status] ?? `HTTP ${status}`;
  return storeProblem(code, xmlText(text, "Message") ?? `the store answered ${status}`, operation, key);
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
