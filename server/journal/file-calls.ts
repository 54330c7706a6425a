import { codeOf } from "../platform/errors.ts";
import { close, fsync, openDescriptor, write } from "../platform/files/files.ts";

/** Makes the file names in a folder survive a power loss, without blocking the calling thread. */
export async function syncNames(folder: string): Promise<void> {
  const fd = await openFile(folder, "r");
  await promiseOf((ended) => fsync(fd, ended)).finally(() => close(fd));
}

/** Opens a file without blocking the calling thread. Rejects with the system's error. */
export function openFile(path: string, flags: string): Promise<number> {
  return new Promise((resolve, reject) =>
    openDescriptor(path, flags, (error, fd) => (error ? reject(error) : resolve(fd))),
  );
}

/** Appends a whole text to a file and returns the number of bytes. */
export async function writeAll(fd: number, text: string): Promise<number> {
  const content = Buffer.from(text);
  for (let at = 0; at < content.length; ) {
    at += await new Promise<number>((resolve, reject) => {
      write(fd, content, at, content.length - at, null, (error, count) => (error ? reject(error) : resolve(count)));
    });
  }
  return content.length;
}

/** Converts a call with a callback to a promise. */
export function promiseOf(work: (ended: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => work((error) => (error ? reject(error) : resolve())));
}

/** Tests whether a file is missing, also because its folder has become a file. */
export function isGone(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}
