import { OperatorError } from "../../platform/errors.ts";

const [ctrlC, ctrlD] = ["\x03", "\x04"];

/**
 * Asks questions on the terminal and reads a hidden line for each. `check` may throw for a line. Returns null if the user aborts (Ctrl-C,
 * Ctrl-D) or the process is asked to stop. Restores the terminal's mode at the end.
 */
export async function readHidden(
  questions: readonly string[],
  check: (line: string) => void,
  stop: AbortSignal,
): Promise<readonly string[] | null> {
  const { stdin, stderr } = process;
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let text = "";

  /** Processes keys; true once all questions are answered. */
  function readKeys(keys: string): boolean {
    for (const key of keys) {
      const typed = typeKey(text, key);
      text = typed.text;
      if (!typed.isDone) continue;
      check(text);
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
        const [before = "", aborted] = keys.replaceAll(ctrlD, ctrlC).split(ctrlC, 2);
        try {
          if (readKeys(before)) resolve(lines);
          else if (aborted !== undefined) resolve(null);
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

/** Reads the single line from a pipe or file. @throws OperatorError unless there is exactly one line */
export async function readPiped(): Promise<string> {
  const lines = (await Bun.stdin.text()).replace(/\r?\n$/, "").split("\n");
  const [line = ""] = lines;
  if (lines.length === 1 && line !== "") return line;
  throw new OperatorError("standard input must contain the password on a single line");
}

/** Applies a key to a line: Enter ends it, Backspace deletes a character, Ctrl-U deletes all; other control keys do nothing. */
function typeKey(before: string, key: string): { readonly text: string; readonly isDone: boolean } {
  if (key === "\r" || key === "\n") return { text: before, isDone: true };
  if (key === "\x7f" || key === "\b") return { text: [...before].slice(0, -1).join(""), isDone: false };
  if (key === "\x15") return { text: "", isDone: false };
  return { text: key >= " " ? before + key : before, isDone: false };
}
