import { OperatorError } from "../platform/errors.ts";
import { hashPassword, longestPassword, shortestPassword } from "../platform/password-hash.ts";
import type { Command } from "./framework/command.ts";
import { readHidden, readPiped } from "./terminal/hidden-input.ts";

/** `rt-data password` */
export const password: Command = {
  name: "password",
  summary: "set the dashboard's password: ask for it and print its hash",
  flags: {},
  examples: [
    ["rt-data password", "ask twice, print the lines for the config"],
    ["rt-data password < secret.txt > password-hash", "read a file, write a file with only the hash"],
  ],
  notes: [
    "Put the hash into [http] password_hash of rt-data.toml, in single quotes (it contains $), or into the file that",
    "RT_DATA_HTTP_PASSWORD_HASH_FILE names. It applies after a restart of the recorder; all users then have to log in again.",
  ],
  async run(_flags, terminal) {
    const chosen = process.stdin.isTTY ? await askTwice(terminal.stop) : await readPiped();
    if (chosen === null) return 130;
    checkLength(chosen);
    const hash = await hashPassword(chosen);
    if (!process.stdout.isTTY) terminal.print(hash);
    else for (const line of configLines(hash)) terminal.print(line);
    return 0;
  },
};

/** Asks twice for the password; null if the user aborts. */
async function askTwice(stop: AbortSignal): Promise<string | null> {
  const lines = await readHidden(["New password: ", "Once more:    "], checkLength, stop);
  if (lines === null) return null;
  const [first = "", second] = lines;
  if (first !== second) throw new OperatorError("the two passwords differ; try again");
  return first;
}

/** Returns the lines that tell a person where to put the hash. A file gets only the hash. */
function configLines(hash: string): string[] {
  const instruction = "Put this into rt-data.toml, then restart the recorder:";
  return ["", instruction, "", "[http]", `password_hash = '${hash}'`];
}

function checkLength(chosen: string): void {
  const length = [...chosen].length;
  if (length < shortestPassword)
    throw new OperatorError(`a password needs at least ${shortestPassword} characters; a few random words are good`);
  if (chosen.length > longestPassword) throw new OperatorError(`a password has at most ${longestPassword} characters`);
}
