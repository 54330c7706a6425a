import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];
let madeBy = "";

/** A new empty folder, removed after the test file: when the next file asks for a folder, or at the end of the run. */
export function temporaryFolder(): string {
  // While tests run, this is the test file at hand.
  if (Bun.main !== madeBy) removeAll();
  madeBy = Bun.main;
  const folder = mkdtempSync(join(tmpdir(), "rt-data-test-"));
  made.push(folder);
  return folder;
}

// This file is preloaded (bunfig.toml), so that the hook belongs to the whole run and not to the first file that imports it.
afterAll(removeAll);

function removeAll(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}
