import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../../server/cli/commands.ts";
import { botCommands } from "../../server/telegram/bot/bot-commands.ts";
import { exportedTwice, root, serverFiles } from "./graph.ts";

const sources = serverFiles.map((file) => ({ file, source: readFileSync(join(root, file), "utf8") }));

/** Things that are done in one place. `by`: the file or folder that may contain the pattern. */
const places: readonly { readonly what: string; readonly pattern: RegExp; readonly by: readonly string[] }[] = [
  {
    what: "a wait that grows: use backoff() of platform/time/backoff.ts",
    pattern: /\* [\d.]+ \*\* .*\b\w*([fF]ail|[aA]ttempt|[tT]ries|[rR]etr|[bB]ans)/,
    by: [],
  },
  {
    what: "a race against time or a signal: use within(), isDoneWithin() or createDeadline() of platform/time/deadline.ts",
    pattern: /AbortSignal\.(timeout|any)\(|Promise\.race\(\[[^\]]*\b(late|timeout|deadline|sleep)\b/,
    by: [],
  },
  {
    what: "a call of the Bot API: use createBotApi() of telegram/api/bot-api.ts",
    pattern: /from "grammy"|retry_after|\/bot\$\{/,
    by: ["server/telegram/api/"],
  },
  {
    what: "a request to S3: use createObjectStore() of upload/store/object-store.ts",
    pattern: /aws4fetch|S3Client|\bs3\.file\(|x-amz-/,
    by: ["server/upload/store/"],
  },
];

for (const { what, pattern, by } of places) {
  test(what, () => {
    const found = sources.filter(
      ({ file, source }) => pattern.test(source) && !by.some((place) => file.startsWith(place)),
    );
    expect(found.map(({ file }) => file)).toEqual([]);
  });
}

test("no name is exported from two files of server/ for two things", () => {
  expect(exportedTwice()).toEqual([]);
});

for (const { type, list, listed, named } of [
  {
    type: "Command",
    list: "server/cli/commands.ts",
    listed: commands.length,
    named: new Set(commands.map((c) => c.name)).size,
  },
  {
    type: "BotCommand",
    list: "server/telegram/bot/bot-commands.ts",
    listed: botCommands.length,
    named: new Set(botCommands.map((c) => c.name)).size,
  },
]) {
  test(`every ${type} that a file exports is in the list of ${list}, once`, () => {
    const text = readFileSync(join(root, list), "utf8");
    const entries: readonly string[] = /\[\n([^\]]*)\];/.exec(text)?.[1]?.match(/\w+/g) ?? [];
    const declared = sources.flatMap(({ file, source }) =>
      [...source.matchAll(new RegExp(`^export const (\\w+): ${type} = `, "gm"))].map(([, name = ""]) => ({
        name,
        file,
      })),
    );
    const forgotten = declared.filter(({ name }) => !entries.includes(name));
    expect(forgotten.map(({ name, file }) => `add ${name} of ${file} to ${list}`)).toEqual([]);
    expect([listed, named]).toEqual([declared.length, declared.length]);
  });
}
