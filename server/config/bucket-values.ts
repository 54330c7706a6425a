import { accept, kindOf, refuse, type ValueKind } from "./value-kind.ts";

/** The name of a bucket (S3 and compatible stores), or an empty text for none. */
export const bucketName: ValueKind<string> = kindOf((raw) =>
  typeof raw === "string" && /^(?:|[A-Za-z0-9][A-Za-z0-9._-]{0,254})$/.test(raw) && !raw.includes("..")
    ? accept(raw)
    : refuse('the name of a bucket such as "market-data", or an empty text for no bucket'),
);

/**
 * The common prefix of all keys in a bucket. A slash at either end is dropped.
 * The parts between slashes must be real names: stores disagree about "." and "..", which may mean a literal name or the parent folder.
 */
export const keyPrefix: ValueKind<string> = kindOf((raw) => {
  const value = typeof raw === "string" ? raw.replace(/^\/|\/$/g, "") : null;
  const isPrefix = (text: string) =>
    Buffer.byteLength(text) <= 512 &&
    !/[\p{Cc}\p{Cf}\\]/u.test(text) &&
    text.split("/").every((name) => name !== "" && name !== "." && name !== ".." && name.trim() === name);
  return value !== null && (value === "" || isPrefix(value))
    ? accept(value)
    : refuse(
        'names with a slash between them such as "home/order-books": without empty names, ".", "..", backslashes or control characters, at most 512 bytes; or an empty text for no prefix',
      );
});
