import { OperatorError } from "../platform/errors.ts";
import { hashPassword, longestPassword, shortestPassword } from "../platform/password-hash.ts";
import type { Command } from "./framework/command.ts";
import { readHidden, readPiped } from "./terminal/hidden-input.ts";

/** `rt-data password` */
export const password: Command = {
  name: "password",
  summary: "make the password of the dashboard: asks for it and prints its hash",
  flags: {},
  examples: [
    ["rt-data password", "asks twice, prints what belongs into the config"],
    ["rt-data password < secret.txt > password-hash", "out of a file into a file: the hash alone"],
  ],
  notes: [
    "The hash goes into [http] password_hash of rt-data.toml, in single quotes (it has $ in it), or into a file named by",
    "RT_DATA_HTTP_PASSWORD_HASH_FILE. The recorder takes it over when it is started again; whoever is logged in has to log in anew.",
  ],
  async run(_flags, terminal) {
    const chosen = process.stdin.isTTY ? await askTwice(terminal.stop) : await readPiped();
    if (chosen === null) return 130;
    checkLength(chosen);
    const hash = await hashPassword(chosen);
    if (!process.stdout.isTTY) terminal.print(hash);
    else for (const line of placed(hash)) terminal.print(line);
    return 0;
  },
};

/** Null where the person gave up. */
async function askTwice(stop: AbortSignal): Promise<string | null> {
  const lines = await readHidden(["New password: ", "Once more:    "], checkLength, stop);
  if (lines === null) return null;
  const [first = "", second] = lines;
  if (first !== second) throw new OperatorError("the two are not the same; nothing was made, try again");
  return first;
}

/** What a person needs to know about it; a file gets the hash alone. */
function placed(hash: string): string[] {
  const into = "Put this into rt-data.toml, then start the recorder again:";
  return ["", into, "", "[http]", `password_hash = '${hash}'`];
}

function checkLength(chosen: string): void {
  const letters = [...chosen].length;
  if (letters < shortestPassword)
    throw new OperatorError(`a password needs at least ${shortestPassword} characters; a few random words are good`);
  if (chosen.length > longestPassword) throw new OperatorError(`a password has at most ${longestPassword} characters`);
}
