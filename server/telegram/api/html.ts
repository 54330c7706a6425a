/** Telegram's bounds for a message and for a caption, in UTF-16 units without markup. */
export const mostText = 4096;
export const mostCaption = 1024;

/** Escapes a text for HTML and removes characters that UTF-8 cannot encode. */
export function escapeHtml(text: string): string {
  return wellFormed(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Removes the markup: the text as Telegram counts it, and the fallback if Telegram rejects the markup. */
export function plainOf(html: string): string {
  return html
    .replace(/<[^<>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

/** Cuts a text to `most` UTF-16 units, ending with "…". Never cuts within a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/**
 * Joins `head` and as many lines as fit into `most` units of plain text. `more(n)` replaces the other n lines. Lines are never cut,
 * so their markup stays intact.
 */
export function fit(head: string, lines: readonly string[], most: number, more: (n: number) => string): string {
  const length = (text: string) => plainOf(text).length + 1;
  let room = most - length(head);
  let taken = 0;
  const reserve = length(more(lines.length));
  for (const line of lines) {
    const isLast = taken === lines.length - 1;
    if (length(line) + (isLast ? 0 : reserve) > room) break;
    room -= length(line);
    taken++;
  }
  const rest = lines.length - taken;
  return [head, ...lines.slice(0, taken), ...(rest > 0 ? [more(rest)] : [])].join("\n");
}

/** Replaces lone surrogates, control characters and direction marks: Telegram rejects them, or they spoil the line. */
function wellFormed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this expression removes control characters
  return text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ");
}
