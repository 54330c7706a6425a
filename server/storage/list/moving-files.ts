import { systemCodeOf } from "../../platform/errors.ts";

/** A recorder seals a day's segments one after the other; a day has far fewer of them. */
const mostAttempts = 10_000;

/**
 * Reads the files of a day while a recorder may seal or merge them.
 * If a file is gone, it is read again from the start, as long as the list of files has changed since.
 * @throws the error of the last attempt. If a file is missing and the list did not change, the file is lost.
 */
export async function readWhileMoving<T>(list: () => readonly string[], read: () => Promise<T>): Promise<T> {
  let before = list().join("\n");
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      const now = list().join("\n");
      if (systemCodeOf(error) !== "ENOENT" || now === before || attempt === mostAttempts) throw error;
      before = now;
    }
  }
}
