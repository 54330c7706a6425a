import { temporaryFolder } from "./folder.ts";
import { rtData, start } from "./program.ts";

/** A run of the program that has come to its end. */
export type Ran = { readonly code: number | string; readonly output: string; readonly errors: string };

/** Runs `rt-data` with these words to its end, in an empty folder unless another is given. */
export async function run(
  words: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; program?: readonly string[] } = {},
): Promise<Ran> {
  const { cwd = temporaryFolder(), env = {}, program: program_ = rtData } = options;
  const program = start([...program_, ...words], { cwd, env });
  return { code: await program.ended, output: program.output(), errors: program.errors() };
}
