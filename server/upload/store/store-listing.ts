import { xmlText } from "./signed-request.ts";
import { storeProblem } from "./store-errors.ts";

/** A bucket of ours has a few hundred thousand objects; a list that is longer has no end. */
const mostPages = 100_000;

/** S3 may answer with pages that hold nothing, but not with many in a row. */
const mostEmptyPages = 100;

/** An object in a list; `modifiedMs` is when it was stored, by the store's clock, null if the store does not say. */
export type Listed = { readonly key: string; readonly bytes: number; readonly modifiedMs: number | null };

/**
 * Every object below a prefix. `ask` sends one request and resolves with the XML of a page. Rejects with a StoreProblem
 * (`EndlessList`) when the store repeats a token or a page: it would never come to an end.
 */
export async function* listObjects(
  prefix: string,
  ask: (query: Record<string, string>) => Promise<string>,
): AsyncGenerator<Listed, void> {
  const seen = new Set<string>();
  const refuseRepeated = (what: string) => {
    if (seen.has(what) || seen.size > 2 * mostPages)
      throw storeProblem("EndlessList", "the store's list repeats itself; it was given up", "list", prefix);
    seen.add(what);
  };
  let empty = 0;
  for (let token: string | null = ""; token !== null; ) {
    const text = await ask({ "list-type": "2", prefix, ...(token === "" ? {} : { "continuation-token": token }) });
    let first: string | null = null;
    for (const [, item = ""] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = xmlText(item, "Key") ?? "";
      if (first === null) refuseRepeated(`key ${key}`);
      first ??= key;
      // A store that answers with other keys than those asked for is not believed.
      if (key.startsWith(prefix)) yield listed(key, item);
    }
    empty = first === null ? empty + 1 : 0;
    token = xmlText(text, "IsTruncated") === "true" ? xmlText(text, "NextContinuationToken") : null;
    if (token !== null) refuseRepeated(`token ${token}`);
    if (empty > mostEmptyPages)
      throw storeProblem("EndlessList", `${empty} pages without an object; it was given up`, "list", prefix);
  }
}

function listed(key: string, item: string): Listed {
  const modifiedMs = Date.parse(xmlText(item, "LastModified") ?? "");
  return { key, bytes: Number(xmlText(item, "Size")), modifiedMs: Number.isNaN(modifiedMs) ? null : modifiedMs };
}
