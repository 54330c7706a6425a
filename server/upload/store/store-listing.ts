import { xmlText } from "./signed-request.ts";
import { storeProblem } from "./store-errors.ts";

/** A bucket holds a few hundred thousand objects. A list longer than this is considered endless. */
const mostPages = 100_000;

/** S3 may answer with empty pages, but not with this many in a row. */
const mostEmptyPages = 100;

/** An object in a list. `modifiedMs`: when it was stored, by the store's clock; null if the store does not tell. */
export type ListedObject = { readonly key: string; readonly bytes: number; readonly modifiedMs: number | null };

/**
 * Yields every object below a prefix. `ask` sends one request and resolves with the XML of a page.
 *
 * @throws StoreProblem; `EndlessList` if the store repeats a token or a page, so that the list would never end
 */
export async function* listObjects(
  prefix: string,
  ask: (query: Record<string, string>) => Promise<string>,
): AsyncGenerator<ListedObject, void> {
  const seen = new Set<string>();
  const refuseRepeated = (marker: string) => {
    if (seen.has(marker) || seen.size > 2 * mostPages)
      throw storeProblem("EndlessList", "the store repeats its list; listing was stopped", "list", prefix);
    seen.add(marker);
  };
  let empty = 0;
  for (let token: string | null = ""; token !== null; ) {
    const text = await ask({ "list-type": "2", prefix, ...(token === "" ? {} : { "continuation-token": token }) });
    let first: string | null = null;
    for (const [, item = ""] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = xmlText(item, "Key") ?? "";
      if (first === null) refuseRepeated(`key ${key}`);
      first ??= key;
      // Ignore keys outside the requested prefix.
      if (key.startsWith(prefix)) yield listed(key, item);
    }
    empty = first === null ? empty + 1 : 0;
    token = xmlText(text, "IsTruncated") === "true" ? xmlText(text, "NextContinuationToken") : null;
    if (token !== null) refuseRepeated(`token ${token}`);
    if (empty > mostEmptyPages)
      throw storeProblem("EndlessList", `${empty} pages without an object; listing was stopped`, "list", prefix);
  }
}

function listed(key: string, item: string): ListedObject {
  const modifiedMs = Date.parse(xmlText(item, "LastModified") ?? "");
  return { key, bytes: Number(xmlText(item, "Size")), modifiedMs: Number.isNaN(modifiedMs) ? null : modifiedMs };
}
