import { type Ran, run } from "../run.ts";

/** The help of each command that was asked for, which does not change while tests run. */
const helpByVerb = new Map<string, Promise<Ran>>();

function helpOf(verb: string): Promise<Ran> {
  const help = helpByVerb.get(verb) ?? run([verb, "--help"]);
  helpByVerb.set(verb, help);
  return help;
}

/** The fenced blocks of one language in a Markdown text. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, block]) => block ?? "");
}

/** The code spans of a Markdown text, blocks excluded. */
export function quoted(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, words]) => words ?? "");
}

/** Every call of the program, in blocks and in the text: its words, without what the shell takes away. */
export function calls(text: string): string[][] {
  const lines = [...blocks(text, "sh").flatMap((block) => block.split("\n")), ...quoted(text)];
  return lines.flatMap((line) =>
    [
      ...line.matchAll(
        /(?:^|^sudo |^(?:RT_DATA_\w+=\S+ )+|sh -c '|\.\/)rt-data(?:-linux-x64)? ((?:(?!\s*[|>'";]|\s#).)+)/g,
      ),
    ].map(([, words = ""]) => words.trim().split(/\s+/)),
  );
}

/** Commands, topics, flags and groups of checks in the calls of a text that the program's help does not name. */
export async function unknownCalls(text: string): Promise<string[]> {
  const byVerb = Map.groupBy(calls(text), ([verb = ""]) => verb);
  const unknown: string[] = [];
  for (const [verb, found] of byVerb) {
    if (/^[A-Z]+$|^--/.test(verb)) continue;
    const help = await helpOf(verb);
    if (help.code !== 0) unknown.push(verb);
    for (const [, ...words] of found) {
      const known = words.filter((word) => (verb === "ops" && /^[a-z]/.test(word)) || word.startsWith("--"));
      for (const word of known.filter((word) => !["en", "ko", "--help"].includes(word)))
        if (!new RegExp(`^  ${word}( |$)`, "m").test(help.output)) unknown.push(`${verb} ${word}`);
      const only = words.indexOf("--only");
      for (const group of only < 0 ? [] : (words[only + 1] ?? "").split(","))
        if (!new RegExp(`--only [^\\n]*\\b${group}\\b`).test(help.output)) unknown.push(`${verb} --only ${group}`);
    }
  }
  return unknown;
}
