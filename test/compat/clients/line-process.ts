/** A program in another language that reports with lines of JSON. */
export type LineProcess = {
  /** The next line, parsed; rejects with what the program complained about if it ended instead. */
  next(): Promise<unknown>;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
};

const running = new Set<LineProcess>();

/** Starts a program; it is gone with `stopAllLines` at the latest. */
export function startLines(words: readonly string[]): LineProcess {
  const child = Bun.spawn([...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const complaint = new Response(child.stderr).text();
  const lines = readLines(child.stdout);
  const program: LineProcess = {
    async next() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${words[0]} ended with ${await child.exited}: ${await complaint}`);
      return JSON.parse(value);
    },
    async stop() {
      running.delete(program);
      child.kill();
      await child.exited;
    },
  };
  running.add(program);
  return program;
}

/** To be called by `afterAll` in every test file that starts one: a hook here would belong to the first of them alone. */
export async function stopAllLines(): Promise<void> {
  for (const program of running) await program.stop();
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
