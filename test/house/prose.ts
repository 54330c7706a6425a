/**
 * `bun test/house/prose.ts [--list] [FOLDER or FILE …]`: counts habits of writing that make readers decode a sentence, over comments of
 * TypeScript, texts in quotes that hold a sentence, and Markdown. `--list` prints each place.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { root } from "./graph.ts";

const habits: readonly (readonly [name: string, pattern: RegExp])[] = [
  [
    "what is/was/has as a noun",
    /\bwhat(?:ever)? (?:is|was|has|had|came|comes|goes|lies|stands|waits|can|may|must|cannot|it|they|we)\b/gi,
  ],
  [
    "one/ones as a pronoun",
    /\b(?:the|an|another|other|each|every|this|that|last|first|next|new|old|which|no|own|later|newer|older|any|earlier) ones?\b(?! [a-z]+(?:s|ed)?\b(?<=one (?:day|file|line|stream|message|time|second|minute|hour|connection|recorder|place|thing|table|list)))|\bones\b|\bone (?:that|of|is|has|which|who)\b/gi,
  ],
  ["nobody/nothing/none", /\b(?:nobody|nothing|none|no one)\b/gi],
  [
    "where for if",
    /(?:,|;|\.|^|\/\*\*|\*|") ?where (?:there|it|that|this|no|the|a|none|nothing|they|one)\b|\b(?:only|not|but|also) where\b/gim,
  ],
  ["a fronted of", /(?:^|[.;:] |\/\*\* |\* |")Of [a-z]/gm],
  [
    "but for, anew, so many, told of, put right",
    /\bbut for\b|\banew\b|\bso many\b|\btold of\b|\bput right\b|\bcame of\b|\bsees to it\b/gi,
  ],
];

const everywhere = ["server", "web", "test", "ops", "README.md", ".github"];

if (import.meta.main) {
  const args = process.argv.slice(2);
  const places = args.filter((arg) => !arg.startsWith("--"));
  const found = findHabits(places.length > 0 ? places : everywhere);
  for (const { file, habit, text } of args.includes("--list") ? found : []) console.log(`${file}: ${habit}: …${text}…`);
  for (const [name] of habits) {
    console.log(`${String(found.filter(({ habit }) => habit === name).length).padStart(5)} ${name}`);
  }
}

/** Finds every habit in these folders and files, with some text around it. */
export function findHabits(
  places: readonly string[] = everywhere,
): readonly { readonly file: string; readonly habit: string; readonly text: string }[] {
  return filesOf(places).flatMap((file) => {
    const texts = proseOf(file);
    return habits.flatMap(([habit, pattern]) =>
      texts.flatMap((text) =>
        [...text.matchAll(pattern)].map(({ index }) => ({ file, habit, text: around(text, index) })),
      ),
    );
  });
}

function filesOf(wanted: readonly string[]): string[] {
  return wanted
    .flatMap((place) => {
      const info = statSync(join(root, place), { throwIfNoEntry: false });
      if (info === undefined) return [];
      if (info.isFile()) return [place];
      return [...new Glob(`${place}/**/*.{ts,tsx,md}`).scanSync({ cwd: root, dot: true })];
    })
    .filter((file) => !/\.ko\.|\/ko\/|-ko\.ts|^web\/dist\/|\/\.tmp\//.test(file))
    .sort();
}

/** Comments, and quoted texts of at least four words; the whole text of a Markdown file. */
function proseOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  if (file.endsWith(".md")) return [source];
  const comments = [...source.matchAll(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*$/gm)].map(([text]) => text);
  const quoted = [...source.matchAll(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g)].map(([text]) => text);
  return [
    ...comments.map((text) => text.replace(/\n\s*\*/g, "")),
    ...quoted.filter((text) => text.split(" ").length >= 4),
  ];
}

function around(text: string, at: number): string {
  return text.slice(Math.max(0, at - 40), at + 60).replace(/\s+/g, " ");
}
