/** Most UTF-16 units of a message, and of the words under a picture; Telegram counts them without the markup. */
export const mostText = 4096;
export const mostCaption = 1024;

/** A text as it may stand between tags: nothing of it is markup, and nothing of it is what UTF-8 cannot say. */
export function escapeHtml(text: string): string {
  return wellFormed(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The words of a text with markup, as Telegram counts them and as it shows them where it refuses the markup. */
export function plainOf(html: string): string {
  return html
    .replace(/<[^<>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

/** At most `most` UTF-16 units; what is cut ends with "…", and never within a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/**
 * As many of the lines as fit into `most` units of plain text together with `head`; the rest is one line of `more`. No line is
 * cut within its markup.
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

/** Without halves of characters, control characters and changes of direction, which Telegram refuses or which spoil the line. */
function wellFormed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  return text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ");
}
