import { join } from "node:path";
import { until } from "./wait.ts";

/** The program as a user starts it: a process of its own, with only the given environment. */
export type Program = {
  readonly pid: number;
  /** Its output so far, standard output and standard error apart. */
  output(): string;
  errors(): string;
  /** Address of the page, once it has been printed. */
  url(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal's name where one ended it. */
  readonly ended: Promise<number | string>;
};

const { TEST_EXECUTABLE: executable } = process.env;

/**
 * The program's first words: the executable that `bun run test` has built (`TEST_EXECUTABLE`), which starts with half the CPU;
 * otherwise `bun server/main.ts`.
 */
export const rtData: readonly string[] =
  executable === undefined ? [process.execPath, join(import.meta.dir, "../../server/main.ts")] : [executable];

/** Programs that run, by their processes; a test that fails may leave its own behind. */
const running = new Set<Bun.Subprocess>();
let startedBy = "";

/** Kills what a test has left running. */
export function endPrograms(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Starts a program; `words` begin with what to run. It is killed at the latest when the next test file starts one. */
export function start(words: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Program {
  // While tests run, this is the test file at hand.
  if (Bun.main !== startedBy) endPrograms();
  startedBy = Bun.main;
  const child = Bun.spawn([...words], {
    cwd: options.cwd ?? join(import.meta.dir, "../.."),
    env: options.env ?? {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.add(child);
  const texts = { output: "", errors: "" };
  const read = async (stream: ReadableStream<Uint8Array>, name: keyof typeof texts) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) texts[name] += decoder.decode(chunk, { stream: true });
  };
  const reading = Promise.all([read(child.stdout, "output"), read(child.stderr, "errors")]);
  return {
    pid: child.pid,
    output: () => texts.output,
    errors: () => texts.errors,
    async url() {
      const find = () => /Dashboard: (http:\S+)\/dashboard/.exec(texts.output)?.[1];
      await until(
        () => find() !== undefined || child.exitCode !== null,
        "the program to print where its dashboard is",
        30_000,
      );
      const url = find();
      if (url === undefined) throw new Error(`the program ended with ${child.exitCode}: ${texts.errors}`);
      return url;
    },
    kill: (signal) => child.kill(signal),
    ended: child.exited.then(async (code) => {
      running.delete(child);
      await reading;
      return child.signalCode ?? code;
    }),
  };
}
