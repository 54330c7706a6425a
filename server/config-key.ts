import { optionalText, type ValueKind } from "./config-value.ts";

/** One key of the config: how it is read, and its default. A secret is never shown, and a file may hold it. */
export type Key<T> = { readonly kind: ValueKind<T>; readonly fallback: T; readonly isSecret?: boolean };

/** Keys by name, and tables of keys within a section. */
export type Keys = { readonly [name: string]: Key<unknown> | { readonly [name: string]: Key<unknown> } };

/** Values of these keys, once they are read. */
export type ValuesOf<K> = {
  readonly [N in keyof K]: K[N] extends Key<infer T> ? T : ValuesOf<K[N]>;
};

/** A key with its default. */
export function key<T>(kind: ValueKind<T>, fallback: NoInfer<T>): Key<T> {
  return { kind, fallback };
}

/** A text that is never shown, and that a file may hold: `RT_DATA_<SECTION>_<KEY>_FILE`. Empty means not set. */
export function secret(kind: ValueKind<string> = optionalText): Key<string> {
  return { kind, fallback: "", isSecret: true };
}

/** True for a key, false for a table of keys. */
export function isKey(entry: Keys[string]): entry is Key<unknown> {
  return typeof entry.kind === "function";
}

/** Every key of these sections by its whole name: `http.port`, `alerts.delay.hold_s`. */
export function allKeys(sections: Readonly<Record<string, Keys>>): ReadonlyMap<string, Key<unknown>> {
  const found = new Map<string, Key<unknown>>();
  for (const [section, keys] of Object.entries(sections)) {
    for (const [name, entry] of Object.entries(keys)) {
      if (isKey(entry)) found.set(`${section}.${name}`, entry);
      else for (const [inner, one] of Object.entries(entry)) found.set(`${section}.${name}.${inner}`, one);
    }
  }
  return found;
}
