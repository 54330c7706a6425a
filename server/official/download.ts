import { codeOf, messageOf } from "../platform/errors.ts";
import type { BandwidthLimit } from "../platform/fetch/bandwidth-limit.ts";
import { boundedFetch } from "../platform/fetch/bounded-fetch.ts";
import { createOutput, type Output } from "../platform/files/durable-files.ts";
import { backoff } from "../platform/time/backoff.ts";

/** A downloaded file. `checksum`: how it compares with the CHECKSUM file beside it, which Binance does not always renew. */
export type Downloaded = {
  readonly sha256: string;
  readonly bytes: number;
  readonly checksum: "ok" | "stale" | "none";
};

/** The result of a download. "absent": Binance has not published the file, or not yet. */
export type DownloadResult =
  | ({ readonly kind: "file" } & Downloaded)
  | { readonly kind: "absent" }
  /** `isUnreachable`: the server could not be reached at all, so other files cannot be downloaded either. */
  | { readonly kind: "failed"; readonly reason: string; readonly isUnreachable: boolean };

const mostBytes = 8 * 1024 ** 3;
const bounds = { timeoutMs: 6 * 3600_000, idleMs: 60_000 };
const attempts = 3;
const pauseMs = { first: 1000, longest: 10_000 };

/**
 * Downloads a file to `path`, and its CHECKSUM file. Network failures are tried again; a file that does not match its checksum is
 * downloaded once more, because Binance replaces files. Rejects only if `signal` aborts or the file cannot be written.
 */
export async function downloadOfficial(
  url: string,
  path: string,
  { signal, limit }: { signal: AbortSignal; limit: BandwidthLimit },
): Promise<DownloadResult> {
  let failure = { reason: "", isUnreachable: false };
  let stale: DownloadResult | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await Bun.sleep(backoff(pauseMs, attempt - 1));
    signal.throwIfAborted();
    try {
      const wanted = await checksumOf(url, signal);
      const file = await downloadFile(url, path, { signal, limit });
      if (file.kind === "absent") return file;
      if (wanted === null || wanted === file.sha256)
        return { ...file, kind: "file", checksum: wanted === null ? "none" : "ok" };
      if (stale?.kind === "file" && stale.sha256 === file.sha256) return stale;
      stale = { ...file, kind: "file", checksum: "stale" };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WriteError) throw error;
      failure = failureOf(error, url);
    }
  }
  return stale ?? { kind: "failed", ...failure };
}

/** Codes and words of `fetch` for a server that did not answer. */
const unreachable =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ConnectionRefused|FailedToOpen|Unable to connect/;

function failureOf(error: unknown, url: string): { reason: string; isUnreachable: boolean } {
  const reason = messageOf(error);
  if (!unreachable.test(`${codeOf(error)} ${reason}`)) return { reason, isUnreachable: false };
  const advice = "check the network, HTTPS_PROXY, and official.url";
  return { reason: `cannot reach ${new URL(url).host} (${codeOf(error) ?? reason}); ${advice}`, isUnreachable: true };
}

/** The disk refused the downloaded bytes. */
export class WriteError extends Error {}

async function downloadFile(
  url: string,
  path: string,
  { signal, limit }: { signal: AbortSignal; limit: BandwidthLimit },
): Promise<{ kind: "absent" } | { kind: "whole"; sha256: string; bytes: number }> {
  const hash = new Bun.CryptoHasher("sha256");
  const output = createOutput(path);
  try {
    const sink = async (chunk: Uint8Array) => {
      hash.update(chunk);
      write(output, chunk);
      await limit.acquire(chunk.length);
    };
    const answer = await boundedFetch(url, { signal }, { ...bounds, maxBytes: mostBytes, sink });
    if (answer.status === 404) return { kind: "absent" };
    if (answer.status !== 200) throw new Error(`HTTP ${answer.status}`);
    const bytes = output.bytes();
    const announced = Number(answer.headers.get("content-length") ?? bytes);
    if (announced !== bytes) throw new Error(`the download ended after ${bytes} of ${announced} bytes`);
    return { kind: "whole", sha256: hash.digest("hex"), bytes };
  } finally {
    output.close();
  }
}

function write(output: Output, chunk: Uint8Array): void {
  try {
    output.write(chunk);
  } catch (cause) {
    throw new WriteError(`cannot write the downloaded file: ${messageOf(cause)}`, { cause });
  }
}

/** Returns the SHA-256 of the CHECKSUM file, which has the form of `sha256sum`; null without such a file. */
async function checksumOf(url: string, signal: AbortSignal): Promise<string | null> {
  const answer = await boundedFetch(`${url}.CHECKSUM`, { signal }, { timeoutMs: 60_000, maxBytes: 4096 });
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status} for the CHECKSUM file`);
  return /^\s*([0-9a-f]{64})\b/i.exec(answer.text())?.[1]?.toLowerCase() ?? null;
}
