/** A body is larger than anybody expected; the transfer has been given up. */
export class BodyTooLarge extends Error {
  constructor(mostBytes: number) {
    super(`the answer is longer than ${Math.round(mostBytes / 1024 / 1024)} MiB and was given up`);
  }
}

/**
 * The text of a response of at most `mostBytes`, counted after decompression. Time is bounded by the request's own signal, which `abort`
 * must fire: only that ends the transfer. Throws BodyTooLarge, or what the transfer ends with.
 */
export async function readBoundedText(response: Response, mostBytes: number, abort: () => void): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array> & ReadableStream<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      chunks.length = 0;
      abort();
      throw new BodyTooLarge(mostBytes);
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, bytes));
}
