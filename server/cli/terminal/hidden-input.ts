import { OperatorError } from "../../platform/errors.ts";

const [ctrlC, ctrlD] = ["\x03", "\x04"];

/**
 * Asks on the terminal and reads a line for each question, without showing it; `judge` may throw at each. Null where the person gave up
 * (Ctrl-C, Ctrl-D) or the process was asked to stop. The terminal is as it was afterwards.
 */
export async function readHidden(
  questions: readonly string[],
  judge: (line: string) => void,
  stop: AbortSignal,
): Promise<readonly string[] | null> {
  const { stdin, stderr } = process;
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let text = "";

  /** True when all is read. */
  function take(keys: string): boolean {
    for (const key of keys) {
      const typed = typeKey(text, key);
      text = typed.text;
      if (!typed.isDone) continue;
      judge(text);
      lines.push(text);
      text = "";
      if (lines.length === questions.length) return true;
      stderr.write(`\n${questions[lines.length]}`);
    }
    return false;
  }

  stdin.setRawMode(true);
  stdin.resume();
  stderr.write(questions[0] ?? "");
  try {
    return await new Promise<readonly string[] | null>((resolve, reject) => {
      stop.addEventListener("abort", () => resolve(null), { once: true });
      stdin.on("end", () => resolve(null));
      stdin.on("data", (bytes: Uint8Array) => {
        const keys = decoder.decode(bytes, { stream: true });
        const [before = "", givenUp] = keys.replaceAll(ctrlD, ctrlC).split(ctrlC, 2);
        try {
          if (take(before)) resolve(lines);
          else if (givenUp !== undefined) resolve(null);
        } catch (error) {
          reject(error);
        }
      });
    });
  } finally {
    stdin.removeAllListeners("data");
    stdin.removeAllListeners("end");
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

/** The line that comes over a pipe or out of a file; throws an OperatorError where there is none or more than one. */
export async function readPiped(): Promise<string> {
  const lines = (await Bun.stdin.text()).replace(/\r?\n$/, "").split("\n");
  const [line = ""] = lines;
  if (lines.length === 1 && line !== "") return line;
  throw new OperatorError("standard input has to hold the password, on one line");
}

/** What a key makes of a line: Enter ends it, Backspace takes a letter back, Ctrl-U all of them; other keys of no letter do nothing. */
function typeKey(before: string, key: string): { readonly text: string; readonly isDone: boolean } {
  if (key === "\r" || key === "\n") return { text: before, isDone: true };
  if (key === "\x7f" || key === "\b") return { text: [...before].slice(0, -1).join(""), isDone: false };
  if (key === "\x15") return { text: "", isDone: false };
  return { text: key >= " " ? before + key : before, isDone: false };
}
