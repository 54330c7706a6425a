/** Languages of the page and the bot. */
export type Language = "en" | "ko";

/** Texts by key in every language; a language or a key that is missing does not compile. */
export type Texts<Key extends string> = Readonly<Record<Language, Readonly<Record<Key, string>>>>;

/** Checks texts while compiling: both languages have to have the same keys. */
export function texts<Key extends string>(words: Texts<Key>): Texts<Key> {
  return words;
}

/**
 * Replaces each `{name}` in a text by its value, and each `{name|gap|gaps}` by the word for one or for any other number. A name without a
 * value stays as it is.
 */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, single?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return (single === undefined ? undefined : String(value) === "1" ? single : many) ?? String(value);
  });
}
