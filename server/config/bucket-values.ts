import type { ValueKind } from "./values.ts";

/** The name of a bucket, as S3 and those like it have them, or the empty text for none. */
export const bucketName: ValueKind<string> = (raw) =>
  typeof raw === "string" && /^(?:|[A-Za-z0-9][A-Za-z0-9._-]{0,254})$/.test(raw) && !raw.includes("..")
    ? { ok: true, value: raw }
    : { ok: false, accepted: 'the name of a bucket such as "market-data", or an empty text for none' };

/**
 * What stands in front of every key of a bucket, without a slash at its ends; one at either end is dropped. Names between slashes must
 * be names: "." and ".." mean another key to one store and the folder above to the next.
 */
export const keyPrefix: ValueKind<string> = (raw) => {
  const value = typeof raw === "string" ? raw.replace(/^\/|\/$/g, "") : null;
  const isPrefix = (text: string) =>
    Buffer.byteLength(text) <= 512 &&
    !/[\p{Cc}\p{Cf}\\]/u.test(text) &&
    text.split("/").every((name) => name !== "" && name !== "." && name !== ".." && name.trim() === name);
  return value !== null && (value === "" || isPrefix(value))
    ? { ok: true, value }
    : {
        ok: false,
        accepted:
          'names with a slash between them such as "home/order-books": none empty, "." or "..", no backslash, no control characters, 512 bytes at most; or an empty text for none',
      };
};
