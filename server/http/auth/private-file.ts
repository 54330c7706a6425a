import { dirname } from "node:path";
import { open, rename } from "../../platform/files/files-async.ts";

/** Replaces a file atomically. Only its owner may read it. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
