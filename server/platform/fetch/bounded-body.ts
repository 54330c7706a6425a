import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { within } from "../../platform/time/deadline.ts";

/** Limits for the body of an answer. */
export type BodyBounds = {
  /** Longest accepted body in bytes, both as sent and decompressed. */
  readonly maxBytes: number;
  /** Receives the body chunk by chunk instead of buffering it. If it returns a promise, the next chunk is read after that. */
  readonly sink?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** True if the caller wants only the status. A body that does not end soon is then cut off without an error. */
  readonly statusOnly?: boolean | undefined;
};

/** We aborted the request because of its answer. */
export class FetchBoundError extends Error {
  override readonly name: "AnswerTooLong" | "AnswerEncoding";
  constructor(name: FetchBoundError["name"], message: string) {
    super(message);
    this.name = name;
  }
}

type Body = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** False if the transfer is still running and must be aborted. */
  readonly isWhole: boolean;
};

type Decode = (
  bytes: Uint8Array,
  options: { maxOutputLength: number },
  done: (error: Error | null, result: Buffer) => void,
) => void;

const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", inflate],
  ["br", brotliDecompress],
]);

/** Time for an unwanted body to end by itself, ms. If it does, the connection can be reused. */
const unwantedBodyMs = 1000;

/** Reads a body within its bounds. `onProgress` is called for each chunk. */
export async function readBoundedBody(answer: Response, bounds: BodyBounds, onProgress: () => void): Promise<Body> {
  if (answer.body === null) return { bytes: new Uint8Array(), isWhole: true };
  const reader = answer.body.getReader();
  if (bounds.statusOnly) return { bytes: new Uint8Array(), isWhole: await endsSoon(reader, bounds.maxBytes) };
  const encoding = (answer.headers.get("content-encoding") ?? "").trim().toLowerCase();
  const decode = decoders.get(encoding);
  const isPlain = encoding === "" || encoding === "identity";
  if (!isPlain && (bounds.sink !== undefined || decode === undefined))
    throw new FetchBoundError(
      "AnswerEncoding",
      `the answer is compressed as "${encoding.slice(0, 40)}", which was not requested`,
    );
  const announced = Number(answer.headers.get("content-length"));
  if (announced > bounds.maxBytes) throw tooLong(bounds.maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    onProgress();
    length += value.length;
    if (length > bounds.maxBytes) throw tooLong(bounds.maxBytes);
    if (bounds.sink === undefined) chunks.push(value);
    else await bounds.sink(value);
  }
  const bytes = Buffer.concat(chunks);
  return { bytes: decode === undefined ? bytes : await decoded(bytes, decode, bounds.maxBytes), isWhole: true };
}

async function endsSoon(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<boolean> {
  const drain = async () => {
    for (let length = 0; length <= maxBytes; ) {
      const { done, value } = await reader.read();
      if (done) return true;
      length += value.length;
    }
    return false;
  };
  return within(drain(), { what: "the body did not end", ms: unwantedBodyMs }).catch(() => false);
}

function decoded(bytes: Uint8Array, decode: Decode, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    decode(bytes, { maxOutputLength: maxBytes }, (error, result) => {
      if (error === null) resolve(new Uint8Array(result));
      else if (codeOf(error) === "ERR_BUFFER_TOO_LARGE") reject(tooLong(maxBytes));
      else
        reject(new FetchBoundError("AnswerEncoding", "the answer cannot be decompressed as its content-encoding says"));
    });
  });
}

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : null;
}

function tooLong(maxBytes: number): FetchBoundError {
  return new FetchBoundError("AnswerTooLong", `the answer is longer than ${maxBytes} bytes`);
}
