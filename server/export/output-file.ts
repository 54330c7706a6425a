import { createDraftFile } from "./draft-file.ts";
import { createStreamFile, type StreamDeps } from "./stream-file.ts";
import type { OutputFile } from "./table-file.ts";
import { targetOf } from "./target.ts";

/** Opens what `path` is: a file is replaced at the end, in one step; a FIFO, device or standard output is written to. */
export function openOutput(path: string, deps: StreamDeps): OutputFile {
  const target = targetOf(path);
  return target.kind === "file" ? createDraftFile(target.path, target.keeps) : createStreamFile(target, deps);
}
